"""The manners that a plain reducer function must have, tried out once when it is combined.

A declared `Reducer` cannot lack them: its initial state is given and unknown actions do not reach
its handlers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from refold.errors import ReducerProtocolError, ReducerReturnedNoneError
from refold.reducers.private_actions import InitialiseState, ProbeUnknownAction

if TYPE_CHECKING:
    from refold.reducers.reducer import Reducer

__all__ = ["probe_plain_function"]


def probe_plain_function(name: str, reducer: Reducer[Any], *, may_be_none: bool) -> None:
    """Call a slice's plain function with actions it cannot know; declared reducers are not called.

    An exception that the function raises passes through unchanged.

    Args:
        name: the slice, for the message.
        reducer: its reducer.
        may_be_none: whether None is a state of this slice.

    Raises:
        ReducerReturnedNoneError: it has no initial state, or forgets the state it was given.
        ReducerProtocolError: it answers a private or an unknown action.
    """
    function = reducer.function
    if function is None:
        return
    initial = reducer.initial
    if initial is None and not may_be_none:
        message = (
            f"the reducer for slice {name!r} returned None during initialisation; return the"
            f" initial state when the state given is None, or use Reducer.of(function, initial)"
        )
        raise ReducerReturnedNoneError(message)
    given = None if reducer.makes_own_initial else initial
    answer = function(given, ProbeUnknownAction())
    if answer is None and not may_be_none:
        message = (
            f"the reducer for slice {name!r} returned None for an unknown action; return the state"
            f" that was given, and do not handle {InitialiseState.__name__}, which is private"
        )
        raise ReducerReturnedNoneError(message)
    if answer is not initial and answer != initial:
        message = (
            f"the reducer for slice {name!r} answered an unknown action with {answer!r}, expected"
            f" its initial state {initial!r}; return the state that was given, and do not handle"
            f" {InitialiseState.__name__}, which is private"
        )
        raise ReducerProtocolError(message)
