"""`LedgerHealthDock`: the health checks of a ledger at work while the program runs.

What belongs here: when which check runs, and the badge.  What does not: the checks, which
`refold.selectors.ledger_health` has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from refold.actions.ledger import HealthBadge, RestartSessionClearOrBoundary, SetHealthBadge
from refold.selectors.ledger_health import (
    LEDGER_HEALTH_CHECKS,
    HealthFinding,
    health_check_export_equals_ledger,
    health_check_ledger_is_append_only,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from refold.actions.action import Action
    from refold.middleware.ledger_docks import Commit, LedgerDocks
    from refold.reducers.ledger_state import LedgerState
    from refold.store.middleware import Dispatch, StoreAPI

__all__ = ["LedgerHealthDock"]

_WHOLE_LEDGER: Final = (health_check_ledger_is_append_only, health_check_export_equals_ledger)
"""The checks that look at every event."""

_SHARE: Final = 64
"""A check of the whole ledger runs once in as many commits as a 64th of its events, so that each
commit pays for 64 events; up to 64 events it runs at each commit."""


class LedgerHealthDock:
    """Middleware that checks each commit of a ledger, and shows by a badge how it is.

    Nothing is missed by not looking at the whole ledger each time: it is held against what it was
    when it was last looked at.  A badge is dispatched only when it changes.

    Args:
        docks: where to listen; also middleware of the same store.
        module: the name of the badge.
    """

    def __init__(self, docks: LedgerDocks, *, module: str = "state_store") -> None:
        """Listen from now on."""
        self._module = module
        self._dispatch: Callable[[Any], Any] | None = None
        self._looked_at: LedgerState | None = None
        self._commits_since = 0
        self._shown = HealthBadge()
        self.findings: tuple[HealthFinding, ...] = ()
        """What was found so far, the latest of each check, in the order of the checks."""
        self.failure_count = 0
        """How many times a check did not hold."""
        docks.on("dock_store_commit_transaction", self._take)

    def __call__(self, store: StoreAPI[Any], next: Dispatch, /) -> Dispatch:  # noqa: A002
        """Remember where to dispatch badges; actions go straight on."""
        self._dispatch = store.dispatch
        return next

    def _take(self, commit: Commit) -> None:
        before, action, after = commit.before, commit.action, commit.after
        for check in LEDGER_HEALTH_CHECKS:
            if check not in _WHOLE_LEDGER:
                self._note(check.__name__, check(before, action, after))
        self._look_at_whole(before, action, after)
        self._show()

    def _look_at_whole(self, before: LedgerState, action: Action, after: LedgerState) -> None:
        """Check all events if that is due; a restart ends what can be compared."""
        self._commits_since += 1
        since = self._looked_at or before
        append_only = health_check_ledger_is_append_only
        if isinstance(action, RestartSessionClearOrBoundary):
            if since is not before:
                earlier = SetHealthBadge(self._module, self._shown)  # any that appends nothing
                self._note(append_only.__name__, append_only(since, earlier, before))
                since = before
        elif self._commits_since * _SHARE < len(after.ledger):
            self._looked_at = since
            return
        self._note(append_only.__name__, append_only(since, action, after))
        export = health_check_export_equals_ledger
        self._note(export.__name__, export(before, action, after))
        self._looked_at, self._commits_since = after, 0

    def _note(self, name: str, finding: HealthFinding | None) -> None:
        if finding is not None:
            self.failure_count += 1
            others = [other for other in self.findings if other.checker != name]
            order = [check.__name__ for check in LEDGER_HEALTH_CHECKS]
            self.findings = tuple(
                sorted([*others, finding], key=lambda found: order.index(found.checker))
            )

    def _show(self) -> None:
        badge = self._badge()
        if badge != self._shown and self._dispatch is not None:
            self._shown = badge
            self._dispatch(SetHealthBadge(self._module, badge))

    def _badge(self) -> HealthBadge:
        total = len(LEDGER_HEALTH_CHECKS)
        if not self.findings:
            return HealthBadge("OK", f"{total} of {total} checks hold")
        worst = self.findings[0]
        held = total - len(self.findings)
        return HealthBadge(
            "ERROR",
            f"{held} of {total} checks hold; {self.failure_count} failures, such as"
            f" {worst.checker}: {worst.difference}",
        )
