"""The docks of a ledger tell what happened, and the health dock shows by a badge how it is."""

from __future__ import annotations

import contextlib
from itertools import pairwise
from typing import TYPE_CHECKING, Any, cast

import attrs
import pytest
from hypothesis import given

from refold.actions.ledger import (
    HealthBadge,
    RestartSessionClearOrBoundary,
    SetHealthBadge,
    SetLocalPause,
    SetModeAndResetBuffersIfNeeded,
    SetTickDisplayProgress01,
)
from refold.middleware.ledger_docks import ActionInvoked, Commit, Evictions, LedgerDocks
from refold.middleware.ledger_health_dock import LedgerHealthDock
from refold.middleware.recent_actions import RecentActions
from refold.reducers.combine_reducers import combine_reducers
from refold.reducers.evolve import evolve
from refold.reducers.ledger import ledger_reducer, make_ledger_reducer
from refold.reducers.ledger_config import LedgerConfig
from refold.reducers.ledger_state import ActiveFocus, LedgerState
from refold.selectors import ledger_health
from refold.selectors.ledger_export import serialize_ledger_to_jsonl
from refold.store.store import Store
from tests.ledger.ledger_scene import PLANT, Break, broken_at, changed_at, ledger_of, realtime, step
from tests.ledger.ledger_strategies import ledger_configs, ledger_runs

if TYPE_CHECKING:
    from refold.actions.action import Action
    from refold.reducers.ledger_config import RestartPolicy

SHARE = 64
"""Events per commit that the dock may look at; it looks at all once in len(ledger) / SHARE."""

HARMED = PLANT(local_pause=True)
"""Plants harm in a store with a broken reducer."""


@attrs.frozen
class Root:
    """A root that holds a ledger."""

    debugger: LedgerState


class Told:
    """Listens at all three docks of a store's middleware."""

    def __init__(self, docks: LedgerDocks) -> None:
        """Listen."""
        self.invoked: list[ActionInvoked] = []
        self.commits: list[Commit] = []
        self.evictions: list[Evictions] = []
        docks.on("dock_store_commit_action_invoked", self.invoked.append)
        docks.on("dock_store_commit_transaction", self.commits.append)
        docks.on("dock_store_retention_evictions", self.evictions.append)


def watched(
    reducer: Any = ledger_reducer, state: LedgerState | None = None
) -> tuple[Store[LedgerState], LedgerHealthDock, RecentActions]:
    """Return a store whose health is watched, and what remembers its actions."""
    docks, recent = LedgerDocks(), RecentActions(limit=100_000)
    dock = LedgerHealthDock(docks)
    start = ledger_reducer.initial if state is None else state
    store: Store[LedgerState] = Store(reducer, state=start, middleware=[docks, dock, recent])
    return store, dock, recent


def badge_of(store: Store[LedgerState]) -> HealthBadge:
    """Return the badge that the dock writes."""
    return store.state.health_badges.get("state_store", HealthBadge())


def harmed_store(
    harm: Break, count: int, config: LedgerConfig | None = None
) -> tuple[Store[LedgerState], LedgerHealthDock]:
    """Return a store of so many events, whose reducer does harm at a local pause."""
    store, dock, _ = watched(broken_at(SetLocalPause, harm, config), ledger_of(count))
    return store, dock


def test_each_action_is_told_once_before_and_once_after() -> None:
    """The invoked dock has the state before; the commit dock both, with the commit's number."""
    docks = LedgerDocks()
    told = Told(docks)
    store = Store(ledger_reducer, middleware=[docks])
    states, acts = [store.state], [step(0), SetTickDisplayProgress01(0.5), step(1)]
    for act in acts:
        store.dispatch(act)
        states.append(store.state)
    assert [(event.action, event.before) for event in told.invoked] == list(
        zip(acts, states, strict=False)
    )
    assert [(event.before, event.after) for event in told.commits] == list(pairwise(states))
    assert [event.commit_id for event in told.commits] == [1, 1, 2]
    assert told.evictions == []


def test_an_action_that_changes_nothing_is_told_with_one_state() -> None:
    """Before and after are the same object then."""
    docks = LedgerDocks()
    told = Told(docks)
    Store(ledger_reducer, middleware=[docks]).dispatch(SetLocalPause(local_pause=False))
    assert told.commits[0].before is told.commits[0].after


def test_evictions_are_told_with_their_number() -> None:
    """Each commit that evicts says how many, and how many it makes in the session."""
    docks = LedgerDocks()
    told = Told(docks)
    config = LedgerConfig(max_events=2, max_age_ms=10)
    store = Store(make_ledger_reducer(config), middleware=[docks])
    store.dispatch(SetModeAndResetBuffersIfNeeded("realtime"))
    for number, at_ms in enumerate([0, 1, 2, 100]):
        store.dispatch(realtime(number, at_ms))
    assert told.evictions == [Evictions(1, 1), Evictions(2, 3)]


def test_evictions_by_the_boundary_of_a_restart_are_told() -> None:
    """The marker of a restart may push an event out: that is told, counted in the new session."""
    docks = LedgerDocks()
    told = Told(docks)
    store = Store(make_ledger_reducer(LedgerConfig(max_events=2)), middleware=[docks])
    store.dispatch(SetModeAndResetBuffersIfNeeded("realtime"))
    for number in range(4):
        store.dispatch(realtime(number))
    store.dispatch(RestartSessionClearOrBoundary("s1"))
    assert store.state.evicted_count == 1
    assert told.evictions == [Evictions(1, 1), Evictions(1, 2), Evictions(1, 1)]


def test_a_listener_can_be_taken_away() -> None:
    """Only that one ends, ending it twice changes nothing, and one function may listen twice."""
    docks, seen = LedgerDocks(), list[Commit]()
    store = Store(ledger_reducer, middleware=[docks])
    end = docks.on("dock_store_commit_transaction", seen.append)
    docks.on("dock_store_commit_transaction", seen.append)
    store.dispatch(step(0))
    end()
    end()
    store.dispatch(step(1))
    assert [commit.commit_id for commit in seen] == [1, 1, 2]


def test_a_listener_that_raises_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """The action is committed, the other listeners are told, and the error is logged."""
    docks = LedgerDocks()

    def fail(_event: object) -> None:
        message = "listener failed"
        raise ValueError(message)

    docks.on("dock_store_commit_action_invoked", fail)
    docks.on("dock_store_commit_transaction", fail)
    told = Told(docks)
    store = Store(ledger_reducer, middleware=[docks])
    store.dispatch(step(0))
    assert (len(store.state.ledger), len(told.commits), len(told.invoked)) == (1, 1, 1)
    assert caplog.text.count("ValueError: listener failed") == 2


def test_a_wrong_dock_or_listener_is_refused() -> None:
    """The error lists the docks, or says what a listener is."""
    docks: Any = LedgerDocks()
    with pytest.raises(ValueError, match="dock_store_commit_transaction"):
        docks.on("dock_store", print)
    with pytest.raises(TypeError, match="function"):
        docks.on("dock_store_commit_transaction", 7)


def test_a_commit_that_was_rolled_back_is_no_commit() -> None:
    """Whoever listens is told of what was committed, not of a transaction that failed."""
    docks = LedgerDocks()
    told = Told(docks)
    store = Store(ledger_reducer, middleware=[docks])
    store.dispatch(step(0))
    with contextlib.suppress(LookupError), store.transaction():
        store.dispatch(step(1))
        raise LookupError
    assert store.state.commit_id == 1
    assert [commit.commit_id for commit in told.commits] == [1]


def test_a_ledger_inside_a_root_is_told_of() -> None:
    """With a way from the root, the docks and the badge work on a slice."""
    docks = LedgerDocks(lambda root: cast("Root", root).debugger)
    told, dock = Told(docks), LedgerHealthDock(docks, module="mine")
    store = Store(combine_reducers(Root, debugger=ledger_reducer), middleware=[docks, dock])
    store.dispatch(step(0))
    assert told.commits[0].after.ledger[0].id == "e0"
    assert store.state.debugger.health_badges["mine"].status == "OK"


@given(run=ledger_runs(), config=ledger_configs)
def test_a_sound_ledger_has_one_badge_that_is_never_written_again(
    run: list[Action], config: LedgerConfig
) -> None:
    """Whatever a sound ledger goes through, its badge is written once, and says OK."""
    run = [act for act in run if not isinstance(act, SetHealthBadge)]
    reducer = make_ledger_reducer(config)
    store, dock, recent = watched(reducer, reducer.initial)
    for act in run:
        store.dispatch(act)
    written = [act for act in recent.actions if isinstance(act, SetHealthBadge)]
    assert len(written) == min(len(run), 1)
    assert dock.findings == ()
    assert badge_of(store).status == ("OK" if run else "UNKNOWN")


@pytest.mark.parametrize("policy", ["boundary", "clear"])
@pytest.mark.parametrize("commits", range(8))
def test_a_restart_between_two_looks_is_no_alarm(commits: int, policy: RestartPolicy) -> None:
    """Wherever between two looks at a long ledger a restart falls, it is sound."""
    reducer = make_ledger_reducer(LedgerConfig(restart_policy=policy))
    store, dock, _ = watched(reducer, ledger_of(3 * SHARE))
    for number in range(commits):
        store.dispatch(step(number))
    for session in ("s1", "s2"):
        store.dispatch(RestartSessionClearOrBoundary(session))
    for number in range(10):
        store.dispatch(step(number))
    assert dock.findings == ()
    assert badge_of(store).status == "OK"


@pytest.mark.parametrize("place", [0, 5_000, 9_998])
def test_a_mutation_in_a_ledger_of_ten_thousand_is_found(place: int) -> None:
    """An event changed behind the ledger's back is found within one round of looks."""
    store, dock = harmed_store(lambda _before, after: changed_at(after, place), 10_000)
    store.dispatch(step(0))
    store.dispatch(HARMED)
    for number in range(10_000 // SHARE + 2):
        store.dispatch(step(number))
    assert badge_of(store).status == "ERROR"
    assert "health_check_ledger_is_append_only" in badge_of(store).tooltip
    assert dock.failure_count == 1


@pytest.mark.parametrize("policy", ["boundary", "clear"])
def test_a_mutation_just_before_a_restart_is_found(policy: RestartPolicy) -> None:
    """A restart ends what can be compared: the session before is looked at once more."""
    config = LedgerConfig(restart_policy=policy)
    store, _ = harmed_store(lambda _before, after: changed_at(after, 5_000), 10_000, config)
    for act in (step(0), HARMED, RestartSessionClearOrBoundary("s1")):
        store.dispatch(act)
    assert badge_of(store).status == "ERROR"


def test_a_mutation_by_the_restart_itself_is_found() -> None:
    """A boundary that changes an event before it is found, though a session ends there."""
    harm = broken_at(RestartSessionClearOrBoundary, lambda _before, after: changed_at(after, 5_000))
    store, _, _ = watched(harm, ledger_of(10_000))
    for act in (step(0), RestartSessionClearOrBoundary("s1"), step(1)):
        store.dispatch(act)
    for number in range(10_000 // SHARE + 2):
        store.dispatch(step(number))
    assert badge_of(store).status == "ERROR"


def test_a_small_check_finds_harm_at_once() -> None:
    """What needs no look at the whole ledger is found by the very commit, at any length."""
    store, dock = harmed_store(
        lambda _before, after: evolve(after, active_focus=ActiveFocus("elsewhere")), 10_000
    )
    store.dispatch(step(0))
    assert badge_of(store).status == "OK"
    store.dispatch(HARMED)
    assert badge_of(store).status == "ERROR"
    assert [finding.checker for finding in dock.findings] == ["health_check_single_active_focus"]


def test_a_badge_is_written_only_when_it_changes() -> None:
    """One failure is one badge, and later sound commits do not write it again."""
    store, _, recent = watched(
        broken_at(SetLocalPause, lambda _before, after: changed_at(after, 0)), ledger_of(3)
    )
    for number in range(5):
        store.dispatch(step(number))
    store.dispatch(HARMED)
    for number in range(5):
        store.dispatch(step(number))
    badges = [act.badge for act in recent.actions if isinstance(act, SetHealthBadge)]
    assert [badge.status for badge in badges] == ["OK", "ERROR"]
    assert "5 of 6" in badges[1].tooltip


def test_a_rolled_back_transaction_is_no_alarm() -> None:
    """What a failed transaction appended is gone, and that is no event lost."""
    store, dock, _ = watched()
    store.dispatch(step(0))
    with contextlib.suppress(LookupError), store.transaction():
        store.dispatch(step(1))
        raise LookupError
    store.dispatch(step(2))
    assert dock.findings == ()


def test_whole_ledgers_are_looked_at_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    """Over a thousand commits of a ledger of 10,000, at most about SHARE events per commit."""
    exported: list[int] = []
    serialize = serialize_ledger_to_jsonl

    def counting(state: LedgerState) -> str:
        exported.append(len(state.ledger))
        return serialize(state)

    monkeypatch.setattr(ledger_health, "serialize_ledger_to_jsonl", counting)
    store, _, _ = watched(state=ledger_of(10_000))
    for number in range(1_000):
        store.dispatch(step(number))
    assert 1_000 * SHARE / 2 <= sum(exported) <= 1_000 * SHARE
    assert len(exported) <= 7
