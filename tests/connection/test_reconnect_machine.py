"""The reconnect machine under random events, and the edges that the documents allow.

What belongs here: the pure function `step`, with the store's reducer beside it.  What does not:
timers and sockets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refold.actions.connection import (
    ConnectionAttemptStarted,
    ConnectionEnded,
    ConnectionLostAndRetryScheduled,
    ConnectionOpened,
    ConnectionProvedStable,
    ConnectionStatus,
    LastError,
)
from refold.reducers.backoff_delay import Backoff, backoff_delay
from refold.reducers.classify_failure import is_fatal
from refold.reducers.connection import ConnectionState, connection_reducer
from refold.reducers.reconnect_machine import (
    TRANSITIONS,
    AttemptFailed,
    CloseLink,
    ConnectRequested,
    Dial,
    DisconnectRequested,
    Effect,
    Event,
    LinkEnded,
    LinkOpened,
    LinkProvedStable,
    Phase,
    ReconnectState,
    RetryDue,
    StartRetryTimer,
    StopAttempt,
    StopRetryTimer,
    Tell,
    step,
)
from tests.connection.connection_strategies import jitters, last_errors

if TYPE_CHECKING:
    from collections.abc import Iterator

    from refold.actions.action import Action

BACKOFF: Final = Backoff()
LOST: Final = LastError("lost", "", "the connection broke", close_code=1006)
REFUSED: Final = LastError("http", "WSServerHandshakeError", "refused", http_status=403)

DISCONNECTED, CONNECTING, CONNECTED, RECONNECTING = (
    ConnectionStatus.DISCONNECTED,
    ConnectionStatus.CONNECTING,
    ConnectionStatus.CONNECTED,
    ConnectionStatus.RECONNECTING,
)

ALLOWED_EDGES: Final = {
    (DISCONNECTED, CONNECTING),
    (CONNECTING, CONNECTED),
    (CONNECTING, RECONNECTING),
    (CONNECTING, DISCONNECTED),
    (CONNECTED, RECONNECTING),
    (CONNECTED, DISCONNECTED),
    (RECONNECTING, CONNECTED),
    (RECONNECTING, DISCONNECTED),
}
"""Every change of status that a connection may show, whatever happens to it."""

STATUS_OF: Final = {
    Phase.IDLE: {DISCONNECTED},
    Phase.DIALING: {CONNECTING, RECONNECTING},
    Phase.OPEN: {CONNECTED},
    Phase.WAITING: {RECONNECTING},
    Phase.CLOSING: {CONNECTED},
}
"""What the store shows in each phase."""

LABELS: Final[dict[type[Event], str]] = {
    ConnectRequested: "connect",
    DisconnectRequested: "disconnect",
    LinkOpened: "opened",
    LinkProvedStable: "stable",
    RetryDue: "retry due",
}
"""How `TRANSITIONS` names the events that need no closer look."""

NEXT_UNDER_WAY: Final[dict[tuple[str, type], str]] = {
    ("", Dial): "attempt",
    ("attempt", StopAttempt): "",
    ("attempt", ConnectionOpened): "link",
    ("attempt", ConnectionLostAndRetryScheduled): "over",
    ("attempt", ConnectionEnded): "",
    ("link", CloseLink): "closing link",
    ("link", ConnectionProvedStable): "link",
    ("link", ConnectionLostAndRetryScheduled): "over",
    ("link", ConnectionEnded): "",
    ("closing link", ConnectionEnded): "",
    ("over", StartRetryTimer): "timer",
    ("timer", StopRetryTimer): "",
    ("", ConnectionEnded): "",
    ("", ConnectionAttemptStarted): "",
}
"""What a shell has under way after an effect; nothing else may be asked of it."""

events: st.SearchStrategy[Event] = st.one_of(
    st.builds(ConnectRequested),
    st.builds(DisconnectRequested),
    st.builds(LinkOpened),
    st.builds(
        AttemptFailed, st.just(LOST) | last_errors, jitters, is_final=st.sampled_from([False, True])
    ),
    st.builds(LinkProvedStable),
    st.builds(LinkEnded, st.just(LOST) | last_errors, jitters),
    st.builds(RetryDue),
)


@attrs.frozen
class Moment:
    """One step of the machine, and what the store made of it."""

    before: ReconnectState
    event: Event
    after: ReconnectState
    effects: tuple[Effect, ...]
    statuses: tuple[ConnectionStatus, ...]
    """The status before the step, and after each action of it."""
    shown: ConnectionState

    @property
    def told(self) -> tuple[Action, ...]:
        """The actions of this step."""
        return tuple(effect.action for effect in self.effects if isinstance(effect, Tell))


def live(run: list[Event]) -> Iterator[Moment]:
    """Yield what a machine and a store make of some events."""
    state, shown = ReconnectState(), ConnectionState()
    for event in run:
        after, effects = step(state, event, BACKOFF)
        statuses = [shown.status]
        for effect in effects:
            if isinstance(effect, Tell):
                shown = connection_reducer(shown, effect.action)
                statuses.append(shown.status)
        yield Moment(state, event, after, effects, tuple(statuses), shown)
        state = after


def label(event: Event) -> str:
    """Return the name under which `TRANSITIONS` lists an event."""
    match event:
        case AttemptFailed():
            return "failed for good" if event.is_final or is_fatal(event.error) else "failed"
        case LinkEnded():
            return "lost for good" if is_fatal(event.error) else "lost"
        case _:
            return LABELS[type(event)]


def run_to(phase: Phase) -> ReconnectState:
    """Return a machine in a phase, by the shortest way."""
    way: dict[Phase, list[Event]] = {
        Phase.IDLE: [],
        Phase.DIALING: [ConnectRequested()],
        Phase.OPEN: [ConnectRequested(), LinkOpened()],
        Phase.WAITING: [ConnectRequested(), AttemptFailed(LOST, 0.5)],
        Phase.CLOSING: [ConnectRequested(), LinkOpened(), DisconnectRequested()],
    }
    state = ReconnectState()
    for event in way[phase]:
        state, _ = step(state, event, BACKOFF)
    assert state.phase is phase
    return state


EVENT_OF_EACH_LABEL: Final[tuple[Event, ...]] = (
    ConnectRequested(),
    DisconnectRequested(),
    LinkOpened(),
    LinkProvedStable(),
    RetryDue(),
    AttemptFailed(LOST, 0.5),
    AttemptFailed(LOST, 0.5, is_final=True),
    AttemptFailed(REFUSED, 0.5),
    LinkEnded(LOST, 0.5),
    LinkEnded(LastError("closed", "", "policy", close_code=1008), 0.5),
)
"""Every event, and every reason that makes a failure final."""


def test_the_table_lists_exactly_the_transitions_that_step_makes() -> None:
    """Each phase is given each event: what changes anything is in the table, and nothing else is.

    While closing, it does not matter how the link was lost.
    """
    made: set[tuple[Phase, str, Phase]] = set()
    for phase in Phase:
        for event in EVENT_OF_EACH_LABEL:
            after, effects = step(run_to(phase), event, BACKOFF)
            if effects:
                why = "lost" if phase is Phase.CLOSING else label(event)
                made.add((phase, why, after.phase))
    assert made == set(TRANSITIONS)
    assert len(TRANSITIONS) == len(set(TRANSITIONS))


@given(st.lists(events, max_size=60))
def test_random_events_make_only_transitions_of_the_table(run: list[Event]) -> None:
    """Whatever happens in whatever order, a step is in the table or does nothing at all."""
    for moment in live(run):
        closing = moment.before.phase is Phase.CLOSING
        why = "lost" if closing and isinstance(moment.event, LinkEnded) else label(moment.event)
        if (moment.before.phase, why, moment.after.phase) not in TRANSITIONS:
            assert moment.after is moment.before
            assert moment.effects == ()


@given(st.lists(events, max_size=60))
def test_random_events_make_only_allowed_changes_of_status(run: list[Event]) -> None:
    """A recorded trace of statuses holds no edge but the documented ones."""
    for moment in live(run):
        edges = {(old, new) for old, new in zip(moment.statuses, moment.statuses[1:], strict=False)}
        assert {(old, new) for old, new in edges if old is not new} <= ALLOWED_EDGES


@given(st.lists(events, max_size=60))
def test_each_change_of_status_is_one_action(run: list[Event]) -> None:
    """A step tells at most one action, and the status never changes without one."""
    for moment in live(run):
        assert len(moment.told) <= 1
        assert moment.shown.status in STATUS_OF[moment.after.phase]


@given(st.lists(events, max_size=60))
def test_only_a_first_attempt_connects_and_all_later_ones_reconnect(run: list[Event]) -> None:
    """Within a run attempts are counted from 1, and each is the dial that follows."""
    attempts = 0
    for moment in live(run):
        if moment.before.phase is Phase.IDLE:
            attempts = 0
        for effect in moment.effects:
            if isinstance(effect, Dial):
                attempts += 1
                assert effect.attempt == attempts == moment.after.attempt
                assert moment.told == (ConnectionAttemptStarted(attempts),)
                assert moment.shown.status is (CONNECTING if attempts == 1 else RECONNECTING)


@given(st.lists(events, max_size=60))
def test_failures_are_reset_by_stability_or_a_new_run_alone(run: list[Event]) -> None:
    """An open link ends no row of failures: only one that proved stable does."""
    for moment in live(run):
        before, after = moment.before, moment.after
        if after.failures < before.failures:
            ended = after.phase is Phase.IDLE
            assert ended or isinstance(moment.event, LinkProvedStable)
        if isinstance(moment.event, LinkOpened):
            assert after.failures == before.failures
            assert after.previous_delay_seconds == before.previous_delay_seconds


@given(st.lists(events, max_size=60))
def test_the_store_shows_the_machines_failures(run: list[Event]) -> None:
    """While a run lasts, both count the same; after its end the last count stays readable."""
    for moment in live(run):
        if moment.after.phase is not Phase.IDLE:
            assert moment.shown.reconnect_attempts == moment.after.failures


@given(st.lists(events, max_size=60))
def test_a_run_after_an_end_starts_afresh(run: list[Event]) -> None:
    """An idle machine remembers nothing of the run before, however that ended."""
    for moment in live(run):
        if moment.after.phase is Phase.IDLE:
            assert moment.after == ReconnectState()
        if moment.before.phase is Phase.IDLE and isinstance(moment.event, ConnectRequested):
            assert moment.after == ReconnectState(Phase.DIALING, attempt=1)
            assert moment.shown.reconnect_attempts == 0
            assert moment.shown.terminal_reason is None


@given(st.lists(events, max_size=60))
def test_what_is_under_way_is_never_left_behind(run: list[Event]) -> None:
    """One dial, one link or one timer at a time, and none while idle."""
    under_way = ""
    for moment in live(run):
        for effect in moment.effects:
            asked = effect.action if isinstance(effect, Tell) else effect
            under_way = NEXT_UNDER_WAY[under_way, type(asked)]
        assert under_way != "over"
        assert under_way == "" or moment.after.phase is not Phase.IDLE


@given(st.lists(events, max_size=60))
def test_each_wait_is_the_backoff_of_its_failure(run: list[Event]) -> None:
    """The told delay, the timer and the rule agree, and the draw is told with them."""
    for moment in live(run):
        for told in moment.told:
            if isinstance(told, ConnectionLostAndRetryScheduled):
                event: Any = moment.event
                before = moment.before.previous_delay_seconds
                delay = backoff_delay(BACKOFF, told.failures, event.jitter, before)
                assert (told.delay_seconds, told.jitter) == (delay, event.jitter)
                assert told.failures == moment.before.failures + 1
                assert moment.effects[1:] == (StartRetryTimer(delay),)
                assert moment.after.previous_delay_seconds == delay


def test_connecting_again_while_a_run_lasts_changes_nothing() -> None:
    """Only an idle machine begins a run."""
    for phase in set(Phase) - {Phase.IDLE}:
        state = run_to(phase)
        assert step(state, ConnectRequested(), BACKOFF) == (state, ())


@pytest.mark.parametrize("phase", [Phase.IDLE, Phase.CLOSING])
def test_disconnecting_again_changes_nothing(phase: Phase) -> None:
    """What is closed, or closing, is not closed a second time."""
    state = run_to(phase)
    assert step(state, DisconnectRequested(), BACKOFF) == (state, ())


def test_a_user_who_closes_sees_no_error() -> None:
    """The end says who closed, whatever the link says while it closes."""
    _, effects = step(run_to(Phase.CLOSING), LinkEnded(REFUSED, 0.5), BACKOFF)
    assert effects == (Tell(ConnectionEnded("closed_by_user")),)


def test_a_fatal_failure_ends_the_run_and_says_why() -> None:
    """The same attempt would fail again, so none follows."""
    state, effects = step(run_to(Phase.DIALING), AttemptFailed(REFUSED, 0.5), BACKOFF)
    assert state == ReconnectState()
    assert effects == (Tell(ConnectionEnded("fatal", REFUSED)),)


def test_a_stable_link_lets_the_next_wait_begin_small_again() -> None:
    """Stability resets the failures and the delay that decorrelated jitter grows from."""
    state: ReconnectState = ReconnectState(Phase.OPEN, 5, 4, 20.0)
    state, effects = step(state, LinkProvedStable(), BACKOFF)
    assert state == ReconnectState(Phase.OPEN, 5)
    assert effects == (Tell(ConnectionProvedStable()),)
    state, _ = step(state, LinkEnded(LOST, 0.5), BACKOFF)
    assert state == ReconnectState(Phase.WAITING, 5, 1, 2.0)


def test_a_link_that_flaps_keeps_its_row_of_failures() -> None:
    """Opening and losing it again and again makes the waits grow, as if it had never been open."""
    state = run_to(Phase.DIALING)
    for failures in range(1, 20):
        state, _ = step(state, LinkOpened(), Backoff(jitter="none"))
        state, _ = step(state, LinkEnded(LOST, 0.5), Backoff(jitter="none"))
        assert state.failures == failures
        assert state.previous_delay_seconds == min(30, 2 ** (failures - 1))
        state, _ = step(state, RetryDue(), Backoff(jitter="none"))
