"""`Invariant`: a rule about states that a person named, asked one state after the other.

What belongs here: finding the rule, counting how often it was asked, and explaining what it raised.
What does not: searching for the state that breaks it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from refold.commands.named_failure import find_invariant
from refold.commands.report_error import CommandError, explain_raised
from refold.replay.changed_paths import changed_paths

if TYPE_CHECKING:
    from refold.replay.timeline import Timeline

__all__ = ["Invariant"]


class Invariant:
    """A function from a state to whether it is as it should be."""

    def __init__(self, name: str, timeline: Timeline[Any]) -> None:
        """Import the function.

        Args:
            name: ``module:function``.
            timeline: where the states come from.

        Raises:
            CommandError: it cannot be imported, or is no function.
        """
        self.source = f"--invariant {name}"
        """The name as it was given."""
        self.asked = 0
        """How many times it was asked."""
        self._timeline = timeline
        self._function: Callable[[Any], object] = find_invariant(name)

    def __call__(self, state: Any) -> bool:
        """Tell whether a state is as it should be.

        Raises:
            CommandError: the function raised, or forgot to return.
        """
        self.asked += 1
        try:
            answer = self._function(state)
        except Exception as error:
            message = (
                f"{self.source} raised {explain_raised(error)} for the state after record"
                f" {self._seq_of(state)}; let it return False for a state that breaks the rule"
            )
            raise CommandError(message) from error
        if answer is None:
            message = (
                f"{self.source} returned None for the state after record {self._seq_of(state)},"
                f" expected True or False; let it return whether the state is as it should be"
            )
            raise CommandError(message)
        return bool(answer)

    def _seq_of(self, state: object) -> int:
        """Return the first record that led to such a state."""
        timeline = self._timeline
        start = (timeline.header.first_seq - 1, timeline.start)
        later = ((record.seq, each) for record, each in timeline.states())
        return next(
            seq
            for seq, each in itertools.chain([start], later)
            if next(changed_paths(each, state), None) is None
        )
