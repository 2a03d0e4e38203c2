"""A ledger through any actions equals its naive model, is sound after each, and replays."""

from __future__ import annotations

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import attrs
from hypothesis import given, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from refold.actions.ledger import RestartSessionClearOrBoundary
from refold.middleware.record import record
from refold.reducers.ledger import make_ledger_reducer
from refold.replay.canonical_digest import canonical_digest
from refold.replay.replay import replay
from refold.selectors.ledger_health import LEDGER_HEALTH_CHECKS
from refold.store.store import Store
from tests.ledger.ledger_strategies import ledger_actions, ledger_configs, ledger_runs
from tests.ledger.naive_ledger import NaiveLedger, plain

if TYPE_CHECKING:
    from refold.actions.action import Action
    from refold.reducers.ledger_config import LedgerConfig
    from refold.reducers.ledger_state import LedgerState


class LedgerMachine(RuleBasedStateMachine):
    """A store that records, beside a ledger of lists."""

    def __init__(self) -> None:
        """Make a folder for the log."""
        super().__init__()
        self.folder = TemporaryDirectory()
        self.log = Path(self.folder.name) / "ledger.jsonl"
        self.sessions = 0

    @initialize(config=ledger_configs)
    def choose_configuration(self, config: LedgerConfig) -> None:
        """Any rules of retention, of restart and of payloads."""
        self.reducer = make_ledger_reducer(config)
        self.model = NaiveLedger(config)
        self.store: Store[LedgerState] = Store(self.reducer, middleware=[record(self.log)])

    @rule(action=ledger_actions)
    def act(self, action: Action) -> None:
        """Dispatch; hold every check, and the state beside the model."""
        before = self.store.state
        self.store.dispatch(action)
        after = self.store.state
        assert [check(before, action, after) for check in LEDGER_HEALTH_CHECKS] == [None] * 6
        self.model.apply(action)
        assert plain(after) == self.model.value
        assert after is before or after != before

    @rule()
    def restart(self) -> None:
        """Begin a session that was not there before."""
        self.sessions += 1
        self.act(RestartSessionClearOrBoundary(f"session {self.sessions}"))

    def teardown(self) -> None:
        """Close the log; its replay leads to the digest that was live."""
        try:
            live = self.store.state
            asyncio.run(self.store.aclose())
            timeline = replay(self.log, self.reducer)
            timeline.verify()
            replayed = timeline.at(len(timeline.records))
            assert canonical_digest(replayed) == canonical_digest(live)
            assert attrs.asdict(replayed, recurse=False) == attrs.asdict(live, recurse=False)
        finally:
            self.folder.cleanup()


TestLedgerMachine = LedgerMachine.TestCase
TestLedgerMachine.settings = settings(stateful_step_count=20)


@given(run=ledger_runs(), config=ledger_configs)
def test_any_run_equals_the_naive_ledger(run: list[Action], config: LedgerConfig) -> None:
    """The reducer alone, from its initial state, goes where the naive ledger goes."""
    reducer, model = make_ledger_reducer(config), NaiveLedger(config)
    state = reducer.initial
    assert plain(state) == model.value
    for action in run:
        before, state = state, reducer(state, action)
        model.apply(action)
        assert plain(state) == model.value
        assert [check(before, action, state) for check in LEDGER_HEALTH_CHECKS] == [None] * 6
