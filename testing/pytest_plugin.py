"""The plugin for pytest: ``pytest --refold module:reducer``, and two fixtures.

What belongs here: the hooks and fixtures.  What does not: what they do, which `law_items`,
`store_maker` and `recorded_log` have.

Every run of pytest in an environment with refold imports this module, so it imports nothing but
pytest until something of it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from refold.testing.law_items import ChosenLaws
    from refold.testing.recorded_log import RecordedLog
    from refold.testing.store_maker import StoreMaker

__all__ = [
    "pytest_addoption",
    "pytest_collection_modifyitems",
    "pytest_configure",
    "pytest_sessionstart",
    "refold_log",
    "refold_store",
]

_IDS: Final = "refold::"
"""How the ids of laws begin."""

_ids_key: Final = pytest.StashKey[list[str]]()
_laws_key: Final[pytest.StashKey[ChosenLaws]] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options, and the same as settings in a file."""
    group = parser.getgroup("refold", "laws of reducers, tested by refold")
    group.addoption(
        "--refold",
        action="append",
        nargs="?",
        const="",
        default=[],
        metavar="MODULE:REDUCER",
        help="test the laws of a reducer and of each of its slices; without a name, of the one"
        " that [tool.refold] app in pyproject.toml names (can be given several times)",
    )
    group.addoption(
        "--refold-invariants",
        action="append",
        default=[],
        metavar="MODULE:NAME",
        help="what must hold besides: a list for the whole state, or a mapping of slices to lists"
        " (can be given several times)",
    )
    parser.addini("refold", "as --refold, a name per line; for runs of whole folders", "linelist")
    parser.addini("refold_invariants", "as --refold-invariants, a name per line", "linelist")


def pytest_configure(config: pytest.Config) -> None:
    """Declare the mark of the laws, and take their ids out of what pytest looks for in files."""
    config.addinivalue_line("markers", "refold: a law that `pytest --refold` tests")
    ids = [arg for arg in config.args if arg.startswith(_IDS)]
    config.stash[_ids_key] = ids
    if ids:
        config.args[:] = [arg for arg in config.args if arg not in ids]


def pytest_sessionstart(session: pytest.Session) -> None:
    """Import the reducers that are named; a wrong name is told before any test runs.

    Raises:
        UsageError: a name leads to no reducer, or what tests the laws is not installed.
    """
    config = session.config
    ids = config.stash[_ids_key]
    if not (ids or config.getoption("--refold") or config.getini("refold")):
        return
    try:
        from refold.testing.law_items import choose_laws  # noqa: PLC0415  # loads Hypothesis
    except ModuleNotFoundError as error:
        message = f"--refold needs {error.name}, which is missing: pip install 'refold[testing]'"
        raise pytest.UsageError(message) from error
    config.stash[_laws_key] = choose_laws(config, ids)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(session: pytest.Session, items: list[pytest.Item]) -> None:
    """Add the laws behind all other tests, before anybody selects among them."""
    laws = session.config.stash.get(_laws_key, None)
    if laws is not None:
        items.extend(laws.items(session))


@pytest.fixture
def refold_store() -> Generator[StoreMaker]:
    """Make stores that are closed when the test ends.

    ::

        store = refold_store(reducer)

    It takes what `refold.Store` takes.  In a test that is a coroutine a store may be entered:
    ``async with refold_store(reducer) as store``.
    """
    from refold.testing.store_maker import StoreMaker  # noqa: PLC0415  # not before it is used

    with StoreMaker() as maker:
        yield maker


@pytest.fixture
def refold_log(tmp_path: Path) -> RecordedLog:
    """Record a store of the test, by ``middleware=[refold_log.record()]``, and read it again."""
    from refold.testing.recorded_log import RecordedLog  # noqa: PLC0415  # not before it is used

    return RecordedLog(tmp_path / "refold.jsonl")
