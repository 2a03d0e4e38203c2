"""The laws that every reducer keeps: their names, sentences, and what to do about a broken one.

What belongs here: the table.  What does not: testing whether a law is kept, which `reducer_laws`
does.
"""

from __future__ import annotations

from typing import Final

import attrs

__all__ = [
    "DEEPLY_IMMUTABLE",
    "FOLD_EQUALS_LIVE",
    "INPUT_UNTOUCHED",
    "INVARIANT",
    "LOG_ROUND_TRIP",
    "NEVER_RAISES",
    "SAME_INPUT_SAME_OUTPUT",
    "UNKNOWN_ACTION",
    "Law",
    "law_of",
]


@attrs.frozen
class Law:
    """One law."""

    name: str
    """What `BrokenLawError.law` has."""

    sentence: str
    """What it says."""

    advice: str
    """What to do where it is broken."""


NEVER_RAISES: Final = Law(
    "never_raises",
    "a reducer never raises",
    "Return the state as it is where there is nothing to do. If such an action must never be made,"
    " refuse it where it is made: by an attrs validator on the field of its class.",
)

SAME_INPUT_SAME_OUTPUT: Final = Law(
    "same_input_same_output",
    "the same state and action always give the same result",
    "Read nothing but the state and the action: the time is action.at_ms, chance is drawn before"
    " the action is made and carried in it, and what is listed out of a set or a map is sorted.",
)

INPUT_UNTOUCHED: Final = Law(
    "input_untouched",
    "a reducer leaves the state and the action that it is given untouched",
    "Return a new state made by refold.evolve, and keep no list, dict or set in a state.",
)

UNKNOWN_ACTION: Final = Law(
    "unknown_action_keeps_identity",
    "for an action that it does not know a reducer returns the identical state",
    "Return the very state that was given: write `case _: return state`.",
)

DEEPLY_IMMUTABLE: Final = Law(
    "deeply_immutable",
    "what a reducer returns cannot change in place",
    "Use a tuple or pyrsistent's PVector for a list, PMap for a dict, a frozenset or PSet for a"
    " set, and attrs.frozen for classes.",
)

LOG_ROUND_TRIP: Final = Law(
    "log_round_trip",
    "written to a log and read again, states and actions are the same and lead to the same result",
    "Declare each field by the type of its values, and compare values by ==, never by `is`, id()"
    " or their exact type.",
)

FOLD_EQUALS_LIVE: Final = Law(
    "fold_equals_live",
    "a recorded run, folded again, gives the states of the live run",
    "Keep all that a reducer knows in the state: nothing in globals, closures or caches.",
)

INVARIANT: Final = Law(
    "invariant",
    "an invariant holds in every state that can be reached",
    "Mend the reducer, or the invariant if this run is as it should be.",
)

_BY_NAME: Final = {
    law.name: law
    for law in (
        NEVER_RAISES,
        SAME_INPUT_SAME_OUTPUT,
        INPUT_UNTOUCHED,
        UNKNOWN_ACTION,
        DEEPLY_IMMUTABLE,
        LOG_ROUND_TRIP,
        FOLD_EQUALS_LIVE,
        INVARIANT,
    )
}


def law_of(name: str) -> Law:
    """Return the law of a name.

    Raises:
        KeyError: there is none.
    """
    return _BY_NAME[name]
