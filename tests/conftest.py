"""What holds for every test: refold as installed is this checkout, and nothing is skipped in CI.

What belongs here: hooks and Hypothesis profiles.  What does not: fixtures of one room, which stand
beside its tests.

Environment: ``REFOLD_CI=1`` makes a test fail that would skip because an optional part is missing.
Profiles: ``fast`` is the default; ``pytest --hypothesis-profile=full`` looks harder.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

import refold
from tests.house.checkout import CHECKOUT
from tests.house.installed_files import describe_difference

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = [
    "pytest_make_collect_report",
    "pytest_runtest_makereport",
    "pytest_sessionstart",
]

OPTIONAL_PART_MISSING = ("optional part missing", "could not import")
"""How the reason of a skip begins that must not happen where everything is installed."""

for _profile, _examples in {"fast": 50, "full": 2000}.items():
    settings.register_profile(
        _profile,
        max_examples=_examples,
        derandomize=False,  # every run looks elsewhere, in CI too
        deadline=None,  # a slow machine is no bug
        suppress_health_check=[HealthCheck.too_slow],
    )
settings.load_profile("fast")

if str(CHECKOUT) not in sys.path:  # `pytest`, other than `python -m pytest`, leaves it out
    sys.path.append(str(CHECKOUT))  # where `examples` is

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell starts what is in the background
    signal.signal(signal.SIGINT, signal.default_int_handler)  # programs under test hear Ctrl-C


@pytest.fixture(scope="session", autouse=True)
def _main_thread_loop() -> Generator[None]:  # pyright: ignore[reportUnusedFunction]  # autouse
    """Own the main thread's event loop: pytest-asyncio makes one there and never closes it."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    asyncio.set_event_loop(None)
    loop.close()


def pytest_sessionstart() -> None:
    """Refuse to test another refold than the one beside these tests."""
    difference = describe_difference(Path(__file__).parents[1], Path(refold.__path__[0]))
    if difference is not None:
        raise pytest.UsageError(difference)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a test's skip into a failure where it must not happen."""
    report = yield
    _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Turn a whole module's skip into a failure where it must not happen."""
    report = yield
    _refuse_skip(report)
    return report


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    if os.environ.get("REFOLD_CI") != "1" or report.outcome != "skipped":
        return
    if any(words in report.longreprtext for words in OPTIONAL_PART_MISSING):
        report.outcome = "failed"
        report.longrepr = f"must not be skipped where REFOLD_CI=1: {report.longreprtext}"
