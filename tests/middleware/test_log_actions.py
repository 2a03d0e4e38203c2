"""`log_actions`: what a person reads about each action, at 80 columns."""

from __future__ import annotations

import logging
import unicodedata
from typing import TYPE_CHECKING, Any
from uuid import UUID

import attrs
import pytest
from hypothesis import HealthCheck, given, settings

from refold.middleware.log_actions import describe_action, log_actions
from refold.store.store import Store
from tests.strategies.observatory_actions import (
    InstrumentAdded,
    NobodyCares,
    PartFailed,
    ReadingTaken,
    SessionOpened,
)
from tests.strategies.observatory_reducer import PartFailedError, make_observatory
from tests.strategies.observatory_strategies import runs

if TYPE_CHECKING:
    from refold.actions.action import Action


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Return what is logged, with the logger of refold switched on."""
    caplog.set_level(logging.INFO, logger="refold.actions")
    return caplog


@attrs.define
class CountingStore:
    """A store's API that counts how often somebody reads the state."""

    reads: int = 0

    @property
    def state(self) -> object:
        """Count, and return something."""
        self.reads += 1
        return self.reads

    def dispatch(self, action: Any, /) -> Any:
        """Return the action."""
        return action


def test_an_action_is_shown_with_its_fields_and_what_it_changed(
    logged: pytest.LogCaptureFixture,
) -> None:
    """One message per action: its wire name and fields, then each changed path, old and new."""
    store = Store(make_observatory(), middleware=[log_actions()])
    store.dispatch(ReadingTaken("north", 1.5, 2))
    (message,) = logged.messages
    assert message.splitlines() == [
        "observatory/reading_taken name='north' value=1.5 factor=2",
        "    totals.sum: 0.0 -> 1.5",
        "    totals.product: 1 -> 2",
    ]


def test_an_action_that_changed_nothing_says_so(logged: pytest.LogCaptureFixture) -> None:
    """An action without effect is shown, with the words that nothing changed."""
    Store(make_observatory(), middleware=[log_actions()]).dispatch(NobodyCares())
    (message,) = logged.messages
    assert message.splitlines() == ["observatory/nobody_cares value=0.0", "    (no change)"]


def test_an_addition_is_shown_as_one(logged: pytest.LogCaptureFixture) -> None:
    """A new entry of a map is named by its key, and nothing stood there before."""
    store = Store(make_observatory(), middleware=[log_actions()])
    store.dispatch(InstrumentAdded("north", UUID(int=1), b"", frozenset()))
    assert "    fleet.instruments['north']: (absent) -> Instrument(" in logged.messages[0]


def test_a_reducers_error_is_shown_and_raised(logged: pytest.LogCaptureFixture) -> None:
    """The action and what its reducer raised are logged, and the error goes on to the caller."""
    store = Store(make_observatory(), middleware=[log_actions()])
    with pytest.raises(PartFailedError):
        store.dispatch(PartFailed())
    (message,) = logged.messages
    assert message.splitlines() == ["observatory/part_failed", "    ! PartFailedError()"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(run=runs)
def test_no_line_is_longer_than_80_characters(
    logged: pytest.LogCaptureFixture, run: list[Action]
) -> None:
    """Whatever is dispatched, each message has lines of at most 80 characters."""
    logged.clear()
    store = Store(make_observatory(), middleware=[log_actions()])
    for action in run:
        store.dispatch(action)
    assert len(logged.messages) == len(run)
    assert all(len(line) <= 80 for message in logged.messages for line in message.splitlines())


@pytest.mark.parametrize("text", ["x" * 500, "a\nb\r\u2028c" * 50, "\x1b[31m" * 20])
def test_texts_with_line_breaks_stay_in_their_line(
    logged: pytest.LogCaptureFixture, text: str
) -> None:
    """Long texts, line breaks of all kinds and control characters do not break the layout."""
    Store(make_observatory(), middleware=[log_actions()]).dispatch(SessionOpened(text))
    lines = logged.messages[0].splitlines()
    assert len(lines) == 2
    assert all(len(line) <= 80 and line.isprintable() for line in lines)


def test_wide_characters_count_as_two_columns(logged: pytest.LogCaptureFixture) -> None:
    """A line with characters of double width takes 80 columns at most, too."""
    Store(make_observatory(), middleware=[log_actions()]).dispatch(SessionOpened("望遠鏡" * 20))
    for line in logged.messages[0].splitlines():
        wide = sum(unicodedata.east_asian_width(character) in "WF" for character in line)
        assert len(line) + wide <= 80


def test_the_width_can_be_chosen(logged: pytest.LogCaptureFixture) -> None:
    """Another width holds for every line, and what was cut is marked."""
    store = Store(make_observatory(), middleware=[log_actions(width=40)])
    store.dispatch(SessionOpened("x" * 100))
    lines = logged.messages[0].splitlines()
    assert [len(line) for line in lines] == [40, 40]
    assert all(line.endswith("...") for line in lines)


def test_many_changes_are_counted_not_listed(logged: pytest.LogCaptureFixture) -> None:
    """After a few changed paths the rest is given as a number."""
    store = Store(make_observatory(), middleware=[log_actions()])
    with store.transaction():
        for name in range(30):
            store.dispatch(InstrumentAdded(str(name), UUID(int=name), b"", frozenset()))
    other = make_observatory()

    @other.on(SessionOpened)
    def _(state: Any, _action: SessionOpened) -> Any:
        return attrs.evolve(state, fleet=make_observatory().initial.fleet)

    store.replace_reducer(other)
    store.dispatch(SessionOpened("Ada"))
    lines = logged.messages[-1].splitlines()
    shown = [line for line in lines if "->" in line]
    assert lines[-1] == f"    ... and {30 - len(shown)} more"
    assert len(lines) < 15


def test_while_it_is_off_the_state_is_not_read(caplog: pytest.LogCaptureFixture) -> None:
    """With the logger's level above the message's, nothing is logged and no state is built."""
    caplog.set_level(logging.WARNING, logger="refold.actions")
    store = CountingStore()
    passed: list[Action] = []

    def next_dispatch(action: Action, /) -> Action:
        passed.append(action)
        return action

    handle = log_actions()(store, next_dispatch)
    action = NobodyCares()
    assert handle(action) is action
    assert passed == [action]
    assert store.reads == 0
    assert caplog.messages == []
    caplog.set_level(logging.INFO, logger="refold.actions")
    handle(action)
    assert store.reads == 2


def test_logger_and_level_can_be_chosen(caplog: pytest.LogCaptureFixture) -> None:
    """It writes to the given logger of the standard library at the given level."""
    caplog.set_level(logging.DEBUG, logger="elsewhere")
    chosen = log_actions(logging.getLogger("elsewhere"), level=logging.DEBUG)
    Store(make_observatory(), middleware=[chosen]).dispatch(NobodyCares())
    (entry,) = caplog.records
    assert (entry.name, entry.levelno) == ("elsewhere", logging.DEBUG)


def test_per_cent_signs_are_not_formats(logged: pytest.LogCaptureFixture) -> None:
    """A text that looks like a format of the logging module is shown as it is."""
    Store(make_observatory(), middleware=[log_actions()]).dispatch(SessionOpened("100 %s %d"))
    assert "'100 %s %d'" in logged.messages[0]


def test_an_action_is_described_without_its_time() -> None:
    """The description has the wire name and the fields, but not ``at_ms``."""
    assert describe_action(SessionOpened("Ada", at_ms=5)) == (
        "observatory/session_opened observer='Ada'"
    )
