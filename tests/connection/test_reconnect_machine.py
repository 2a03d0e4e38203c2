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
from refold.reducers.classify_failure import Verdict
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
    ReconnectPolicy,
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
POLICY: Final = ReconnectPolicy(can_refresh_auth=True)
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
        AttemptFailed, st.just(LOST) | last_errors, jitters, verdict=st.sampled_from(Verdict)
    ),
    st.builds(LinkProvedStable),
    st.builds(LinkEnded, st.just(LOST) | last_errors, jitters, verdict=st.sampled_from(Verdict)),
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
        after, effects = step(state, event, POLICY)
        statuses = [shown.status]
        for effect in effects:
            if isinstance(effect, Tell):
                shown = connection_reducer(shown, effect.action)
                statuses.append(shown.status)
        yield Moment(state, event, after, effects, tuple(statuses), shown)
        state = after


def label(before: ReconnectState, event: Event) -> str:
    """Return the name under which `TRANSITIONS` lists an event."""
    verdict = getattr(event, "verdict", Verdict.RETRY)
    is_hopeless = verdict is Verdict.AUTH and before.is_refreshing_auth
    for_good = " for good" if verdict is Verdict.FATAL or is_hopeless else ""
    match event:
        case AttemptFailed():
            return f"failed{for_good}"
        case LinkEnded():
            return f"lost{for_good}"
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
        state, _ = step(state, event, POLICY)
    assert state.phase is phase
    return state


EVENT_OF_EACH_LABEL: Final[tuple[Event, ...]] = (
    ConnectRequested(),
    DisconnectRequested(),
    LinkOpened(),
    LinkProvedStable(),
    RetryDue(),
    AttemptFailed(LOST, 0.5),
    AttemptFailed(REFUSED, 0.5, Verdict.FATAL),
    AttemptFailed(REFUSED, 0.5, Verdict.AUTH),
    LinkEnded(LOST, 0.5),
    LinkEnded(LOST, 0.5, Verdict.AUTH),
    LinkEnded(LastError("closed", "", "policy", close_code=1008), 0.5, Verdict.FATAL),
)
"""Every event, and every verdict on a failure."""


def test_the_table_lists_exactly_the_transitions_that_step_makes() -> None:
    """Each phase is given each event: what changes anything is in the table, and nothing else is.

    While closing, it does not matter how the link was lost.
    """
    made: set[tuple[Phase, str, Phase]] = set()
    for phase in Phase:
        for event in EVENT_OF_EACH_LABEL:
            after, effects = step(run_to(phase), event, POLICY)
            if effects:
                why = "lost" if phase is Phase.CLOSING else label(run_to(phase), event)
                made.add((phase, why, after.phase))
        for last in (AttemptFailed(LOST, 0.5), LinkEnded(LOST, 0.5)):
            after, effects = step(run_to(phase), last, ReconnectPolicy(max_attempts=1))
            if effects and phase is not Phase.CLOSING:
                made.add((phase, "gave up", after.phase))
    assert made == set(TRANSITIONS)
    assert len(TRANSITIONS) == len(set(TRANSITIONS))


@given(st.lists(events, max_size=60))
def test_random_events_make_only_transitions_of_the_table(run: list[Event]) -> None:
    """Whatever happens in whatever order, a step is in the table or does nothing at all."""
    for moment in live(run):
        closing = moment.before.phase is Phase.CLOSING
        is_closed = closing and isinstance(moment.event, LinkEnded)
        why = "lost" if is_closed else label(moment.before, moment.event)
        if (moment.before.phase, why, moment.after.phase) not in TRANSITIONS:
            assert moment.after is moment.before
            assert moment.effects == ()


@given(st.lists(events, max_size=60))
def test_random_events_make_only_allowed_changes_of_status(run: list[Event]) -> None:
    """Rule 1: a recorded trace of statuses holds no edge but the documented ones."""
    for moment in live(run):
        edges = {(old, new) for old, new in zip(moment.statuses, moment.statuses[1:], strict=False)}
        assert {(old, new) for old, new in edges if old is not new} <= ALLOWED_EDGES


@given(st.lists(events, max_size=60))
def test_each_change_of_status_is_one_action(run: list[Event]) -> None:
    """Rule 3: a step tells at most one action, and the status never changes without one."""
    for moment in live(run):
        assert len(moment.told) <= 1
        assert moment.shown.status in STATUS_OF[moment.after.phase]


@given(st.lists(events, max_size=60))
def test_only_a_first_attempt_connects_and_all_later_ones_reconnect(run: list[Event]) -> None:
    """Rule 1: within a run attempts are counted from 1, and each is the dial that follows."""
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
    """Rule 16: an open link ends no row of failures: only one that proved stable does."""
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
    """Rule 12: an idle machine remembers nothing of the run before, however that ended."""
    for moment in live(run):
        if moment.after.phase is Phase.IDLE:
            assert moment.after == ReconnectState()
        if moment.before.phase is Phase.IDLE and isinstance(moment.event, ConnectRequested):
            assert moment.after == ReconnectState(Phase.DIALING, attempt=1)
            assert moment.shown.reconnect_attempts == 0
            assert moment.shown.terminal_reason is None


@given(st.lists(events, max_size=60))
def test_what_is_under_way_is_never_left_behind(run: list[Event]) -> None:
    """Rule 11: one dial, one link or one timer at a time, and none while idle."""
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
        assert step(state, ConnectRequested(), POLICY) == (state, ())


@pytest.mark.parametrize("phase", [Phase.IDLE, Phase.CLOSING])
def test_disconnecting_again_changes_nothing(phase: Phase) -> None:
    """What is closed, or closing, is not closed a second time."""
    state = run_to(phase)
    assert step(state, DisconnectRequested(), POLICY) == (state, ())


def test_a_user_who_closes_sees_no_error() -> None:
    """The end says who closed, whatever the link says while it closes."""
    _, effects = step(run_to(Phase.CLOSING), LinkEnded(REFUSED, 0.5, Verdict.FATAL), POLICY)
    assert effects == (Tell(ConnectionEnded("closed_by_user")),)


def test_a_fatal_failure_ends_the_run_and_says_why() -> None:
    """The same attempt would fail again, so none follows."""
    state, effects = step(run_to(Phase.DIALING), AttemptFailed(REFUSED, 0.5, Verdict.FATAL), POLICY)
    assert state == ReconnectState()
    assert effects == (Tell(ConnectionEnded("fatal", REFUSED)),)


def test_a_stable_link_lets_the_next_wait_begin_small_again() -> None:
    """Stability resets the failures and the delay that decorrelated jitter grows from."""
    state: ReconnectState = ReconnectState(Phase.OPEN, 5, 4, 20.0)
    state, effects = step(state, LinkProvedStable(), POLICY)
    assert state == ReconnectState(Phase.OPEN, 5)
    assert effects == (Tell(ConnectionProvedStable()),)
    state, _ = step(state, LinkEnded(LOST, 0.5), POLICY)
    assert state == ReconnectState(Phase.WAITING, 5, 1, 2.0, 0.0)


def test_a_link_that_flaps_keeps_its_row_of_failures() -> None:
    """Opening and losing it again and again makes the waits grow, as if it had never been open."""
    policy = ReconnectPolicy(backoff=Backoff(jitter="none"))
    state = run_to(Phase.DIALING)
    for failures in range(1, 20):
        state, _ = step(state, LinkOpened(), policy)
        state, _ = step(state, LinkEnded(LOST, 0.5), policy)
        assert state.failures == failures
        assert state.previous_delay_seconds == min(30, 2 ** (failures - 1))
        state, _ = step(state, RetryDue(), policy)


def test_rule_08_new_credentials_are_fetched_once_before_the_next_attempt() -> None:
    """Rule 8: the first failure about authentication is retried with new credentials."""
    state, _ = step(run_to(Phase.DIALING), AttemptFailed(REFUSED, 0.5, Verdict.AUTH), POLICY)
    assert state.phase is Phase.WAITING
    _, effects = step(state, RetryDue(), POLICY)
    assert effects[-1] == Dial(2, refreshes_auth=True)


def test_rule_08_a_second_such_failure_in_a_row_is_fatal() -> None:
    """Rule 8: new credentials that are refused too end the run."""
    state, _ = step(run_to(Phase.DIALING), AttemptFailed(REFUSED, 0.5, Verdict.AUTH), POLICY)
    state, _ = step(state, RetryDue(), POLICY)
    state, effects = step(state, AttemptFailed(REFUSED, 0.5, Verdict.AUTH), POLICY)
    assert effects == (Tell(ConnectionEnded("fatal", REFUSED)),)


def test_rule_08_a_link_that_opens_and_is_refused_again_is_fatal_too() -> None:
    """Rule 8: a peer that says 4401 after each opening is not hammered with new credentials."""
    state, _ = step(run_to(Phase.OPEN), LinkEnded(LOST, 0.5, Verdict.AUTH), POLICY)
    for event in (RetryDue(), LinkOpened()):
        state, _ = step(state, event, POLICY)
    state, _ = step(state, LinkEnded(LOST, 0.5, Verdict.AUTH), POLICY)
    assert state == ReconnectState()


@pytest.mark.parametrize("between", ["another failure", "stability"])
def test_rule_08_what_is_not_in_a_row_is_refreshed_again(between: str) -> None:
    """Rule 8: after another kind of failure, or a stable link, credentials are fetched anew."""
    state, _ = step(run_to(Phase.OPEN), LinkEnded(LOST, 0.5, Verdict.AUTH), POLICY)
    state, _ = step(state, RetryDue(), POLICY)
    if between == "stability":
        events_between: tuple[Event, ...] = (LinkOpened(), LinkProvedStable())
    else:
        events_between = (AttemptFailed(LOST, 0.5), RetryDue(), LinkOpened())
    for event in events_between:
        state, _ = step(state, event, POLICY)
    state, _ = step(state, LinkEnded(LOST, 0.5, Verdict.AUTH), POLICY)
    assert state.is_refreshing_auth


def test_rule_08_without_a_way_to_refresh_it_is_fatal_at_once() -> None:
    """Rule 8: nothing would change by the next attempt."""
    failed = AttemptFailed(REFUSED, 0.5, Verdict.AUTH)
    state, effects = step(run_to(Phase.DIALING), failed, ReconnectPolicy())
    assert (state, effects) == (ReconnectState(), (Tell(ConnectionEnded("fatal", REFUSED)),))


@given(st.floats(0, 400), jitters)
def test_rule_17_no_wait_is_shorter_than_the_server_asked_for(floor: float, jitter: float) -> None:
    """Rule 17: its wish is a floor, plus at most a tenth; it never shortens the backoff."""
    failed = AttemptFailed(LOST, jitter, floor_seconds=floor)
    state, effects = step(run_to(Phase.DIALING), failed, POLICY)
    (timer,) = (effect for effect in effects if isinstance(effect, StartRetryTimer))
    own = backoff_delay(BACKOFF, 1, jitter, None)
    assert max(own, floor) <= timer.delay_seconds <= max(own, floor * 1.1)
    assert state.previous_delay_seconds == own


@pytest.mark.parametrize("most", [1, 2, 7])
def test_rule_19_it_gives_up_after_so_many_failures_in_a_row(most: int) -> None:
    """Rule 19: the last one allowed ends the run with one action that says so."""
    policy = ReconnectPolicy(max_attempts=most)
    state = run_to(Phase.DIALING)
    for _ in range(most - 1):
        state, _effects = step(state, AttemptFailed(LOST, 0.5), policy)
        state, _effects = step(state, RetryDue(), policy)
    state, effects = step(state, AttemptFailed(LOST, 0.5), policy)
    assert (state, effects) == (ReconnectState(), (Tell(ConnectionEnded("gave_up", LOST)),))


def test_rule_19_it_gives_up_when_the_next_attempt_would_come_too_late() -> None:
    """Rule 19: the time counts from the first failure in the row, and again from a stable link."""
    policy = ReconnectPolicy(backoff=Backoff(jitter="none"), max_elapsed_seconds=10.0)
    state, _ = step(run_to(Phase.DIALING), AttemptFailed(LOST, 0.5, at_seconds=100.0), policy)
    for event in (RetryDue(), LinkOpened(), LinkProvedStable()):
        state, _ = step(state, event, policy)
    state, _ = step(state, LinkEnded(LOST, 0.5, at_seconds=200.0), policy)
    assert state.failing_since_seconds == 200.0
    state, _ = step(state, RetryDue(), policy)
    state, _ = step(state, AttemptFailed(LOST, 0.5, at_seconds=208.0), policy)
    assert state.phase is Phase.WAITING  # the next one begins exactly at the limit
    state, _ = step(state, RetryDue(), policy)
    state, effects = step(state, AttemptFailed(LOST, 0.5, at_seconds=210.0), policy)
    assert effects == (Tell(ConnectionEnded("gave_up", LOST)),)
