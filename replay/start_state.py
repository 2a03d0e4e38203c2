"""The state before a log's first record, and other states that a log keeps, decoded.

What belongs here: what may stand for a state in a log.  What does not: reading it from a file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from refold.errors import LogError
from refold.replay.action_codec import decode_state
from refold.replay.canonical_digest import DIGEST_ALGORITHM, state_digest

if TYPE_CHECKING:
    from refold.replay.log_record import LogHeader

__all__ = ["kept_state", "start_state"]

S = TypeVar("S")


def start_state(header: LogHeader, initial: S) -> S:
    """Return the state before the first record after a header.

    Args:
        header: of the segment to begin with.
        initial: the reducer's initial state.

    Raises:
        LogError: the log does not say it, or its digests cannot be compared.
        PayloadError: it does not fit the reducer's state type.
    """
    if header.digest_algorithm != DIGEST_ALGORITHM:
        message = (
            f"the log's digests are {header.digest_algorithm}, this refold makes"
            f" {DIGEST_ALGORITHM}; replay it with the refold that wrote it"
        )
        raise LogError(message)
    if header.start_digest == state_digest(initial):
        return initial
    if header.start_digest:
        return kept_state(header.start_state, header.start_digest, initial)
    if header.first_seq == 1:  # written by an engine that knows no states
        return initial
    message = (
        f"the log begins with seq {header.first_seq} and does not say the state before it; keep the"
        f" segments before, or go on from a keyframe by hydrate(path, reducer)"
    )
    raise LogError(message)


def kept_state(encoded: Any, digest: str, initial: S) -> S:
    """Return a state that a log keeps; whether its digest fits is not said.

    Args:
        encoded: the state; None for a bare collection.
        digest: its digest.
        initial: the reducer's initial state.

    Raises:
        LogError: it is a bare collection, the types of whose elements nobody knows.
        PayloadError: it does not fit the type of the initial state.
    """
    if encoded is not None:
        return decode_state(encoded, type(initial))
    if state_digest(initial) == digest:
        return initial
    message = (
        "the log starts from a bare collection that is not the reducer's initial state, so the"
        " types of its elements are unknown; keep the collection in a field of an attrs.frozen"
        " class"
    )
    raise LogError(message)
