"""`write_regression_test`: a test that fails before the bug is mended and passes after.

What belongs here: the file and its runs.  What does not: how far a run is shrunken.
"""

from __future__ import annotations

import datetime
import enum
import os
import subprocess
import sys
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

import pytest
from pyrsistent import pdeque, pmap, pset, pvector

from refold.errors import LogError, PayloadError
from refold.middleware.record import record
from refold.replay.regression_source import SourceWriter
from refold.replay.regression_test_file import write_regression_test
from refold.replay.replay import replay
from refold.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SHOP = '''
"""A shop that sells more than it has."""

from __future__ import annotations

import attrs

from refold import Action, Reducer, action, evolve


@attrs.frozen
class Shop:
    """What lies on the shelf."""

    stock: int = 3


@action("NAME/sold")
class Sold(Action):
    """Something was sold."""

    pieces: int
    buyer: str | None = None


root = Reducer(Shop())


@root.on(Sold)
def on_sold(state: Shop, action: Sold) -> Shop:
    """Take the pieces from the shelf."""
    if action.pieces > state.stock:  # the mended line
        return state
    if action.pieces == 2 and action.buyer == "Ada":
        raise ZeroDivisionError
    return evolve(state, stock=state.stock - action.pieces)


def holds(shop: Shop) -> bool:
    """Tell whether the shelf holds what can lie there."""
    return shop.stock >= 0
'''

GUARD = "    if action.pieces > state.stock:  # the mended line\n        return state\n"
RAISING = '    if action.pieces == 2 and action.buyer == "Ada":\n        raise ZeroDivisionError\n'


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Return the module of a shop with a bug, written into an empty folder."""
    name = f"shop_{tmp_path.name}"
    source = SHOP.replace("NAME", name).replace(GUARD, "")
    (tmp_path / f"{name}.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)  # pyright: ignore[reportUnknownMemberType]  # pytest's
    yield __import__(name)
    del sys.modules[name]


def run_pytest(file: Path) -> subprocess.CompletedProcess[str]:
    """Run a test file in a process of its own."""
    return subprocess.run(
        [sys.executable, "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider", str(file)],
        cwd=file.parent,
        env={**os.environ, "PYTHONPATH": str(file.parent)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_test_fails_before_the_bug_is_mended_and_passes_after(
    shop: Any, tmp_path: Path
) -> None:
    """A recorded run becomes a file of two imports and one action, which pytest can run."""
    store = Store(shop.root, middleware=[record(tmp_path / "log")])
    for pieces in (1, 2, 0, 9, 1):
        store.dispatch(shop.Sold(pieces, buyer="Bo"))
    file = tmp_path / "test_shop.py"
    timeline = replay(tmp_path / "log", shop.root)
    found = write_regression_test(
        file, timeline, reducer=f"{shop.__name__}:root", invariant=shop.holds
    )
    assert found == [shop.Sold(4)]
    source = file.read_text()
    assert f"from {shop.__name__} import Sold, holds, root\n" in source
    assert "        Sold(pieces=4),\n" in source
    failing = run_pytest(file)
    assert failing.returncode == 1, failing.stdout
    assert "assert holds(state), action" in failing.stdout
    (tmp_path / f"{shop.__name__}.py").write_text(SHOP.replace("NAME", shop.__name__))
    passing = run_pytest(file)
    assert passing.returncode == 0, passing.stdout


def test_a_reducer_that_raises_is_written_too(shop: Any, tmp_path: Path) -> None:
    """The test has no assertion: the reducer's exception fails it, from a start of its own."""
    actions = [shop.Sold(1), shop.Sold(2, buyer="Ada"), shop.Sold(1)]
    file = tmp_path / "test_shop.py"
    found = write_regression_test(
        file, actions, reducer=f"{shop.__name__}:root", raises=ZeroDivisionError
    )
    assert found == actions[1:2]
    failing = run_pytest(file)
    assert failing.returncode == 1, failing.stdout
    assert "ZeroDivisionError" in failing.stdout
    path = tmp_path / f"{shop.__name__}.py"
    path.write_text(path.read_text().replace(RAISING, ""))
    assert run_pytest(file).returncode == 0


def test_a_start_of_its_own_is_written(shop: Any, tmp_path: Path) -> None:
    """A run that did not begin in the reducer's initial state begins where it began."""
    store = Store(shop.root, state=shop.Shop(-5), middleware=[record(tmp_path / "log")])
    store.dispatch(shop.Sold(1))
    file = tmp_path / "test_shop.py"
    timeline = replay(tmp_path / "log", shop.root)
    found = write_regression_test(
        file, timeline, reducer=f"{shop.__name__}:root", invariant=shop.holds
    )
    assert found == []
    assert "    state = Shop(stock=-5)\n" in file.read_text()
    assert run_pytest(file).returncode == 1


def test_what_cannot_be_written_leaves_no_file(shop: Any, tmp_path: Path) -> None:
    """A lambda, a passing run, a wrong name and a missing goal are refused; no file is touched."""
    file, root = tmp_path / "test_shop.py", f"{shop.__name__}:root"
    failing = [shop.Sold(9)]
    with pytest.raises(PayloadError, match="cannot be imported by a test"):
        write_regression_test(file, failing, reducer=root, invariant=lambda one: one.stock >= 0)
    with pytest.raises(LogError, match="does not fail"):
        write_regression_test(file, [], reducer=root, invariant=shop.holds)
    with pytest.raises(LogError, match="names no reducer"):
        write_regression_test(file, failing, reducer="root", invariant=shop.holds)
    with pytest.raises(LogError, match="either the invariant"):
        write_regression_test(file, failing, reducer=root)
    assert not file.exists()
    file.write_text("mine")
    with pytest.raises(FileExistsError):
        write_regression_test(file, failing, reducer=root, invariant=shop.holds)
    assert file.read_text() == "mine"


class Colour(enum.Enum):
    """A colour."""

    RED = 1


class Power(enum.Flag):
    """Powers that can be joined."""

    READ = 1
    WRITE = 2


class Place(NamedTuple):
    """A place."""

    x: int
    y: int


@pytest.mark.parametrize(
    "value",
    [  # pyright: ignore[reportUnknownArgumentType]  # a list of any kinds
        None, True, -3, 1.5, float("inf"), 'it\'s "so"', b"\x00a", (), (1,), (1, "x"),
        Colour.RED, Power.READ | Power.WRITE, Place(1, 2), frozenset(), frozenset({"b", "a"}),
        pvector([1, pvector([2])]), pdeque([1, 2], 3), pmap({"k": pset({1, 2})}), pset(),
        datetime.datetime(2024, 2, 3, 4, 5, tzinfo=datetime.UTC),
        datetime.date(2024, 2, 3), datetime.timedelta(days=1, microseconds=7),
        UUID(int=7), Decimal("1.50"),
    ],
)  # fmt: skip
def test_a_value_is_what_its_source_makes(value: object) -> None:
    """Importing what the writer says and evaluating what it wrote gives the value back."""
    writer = SourceWriter()
    source = writer.source(value)
    scope: dict[str, Any] = {}
    for line in writer.imports():
        exec(line, scope)  # noqa: S102  # what is tested
    made = eval(source, scope)  # noqa: S307  # what is tested
    assert made == value
    assert type(made) is type(value)


def test_two_classes_of_one_name_are_refused() -> None:
    """One file cannot import two things by one name."""
    writer = SourceWriter()
    writer.name_in("shop", "Sold")
    with pytest.raises(PayloadError, match="Sold is in market and in shop"):
        writer.name_in("market", "Sold")


def test_what_has_no_source_is_refused() -> None:
    """A value that no action may hold is named."""
    with pytest.raises(PayloadError, match="cannot be written as source"):
        SourceWriter().source(object())
