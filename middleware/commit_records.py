"""`make_commit_records`: what one commit says in a log.

What belongs here: envelopes, and which record gets a digest; what runs at every dispatch that is
recorded.  What does not: writing them.

The line of a commit is what orjson makes of the envelopes that `envelope_of` gives for its records,
byte for byte; it is made from a template for each action class, in a third of the time.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from refold.replay.canonical_digest import state_digest
from refold.replay.payload_text import encode_payload_text
from refold.store.dispatch_context import (
    NOBODY_ELSE,
    current_dispatch_context,
    handling,
    saved_dispatch_context,
)
from refold.store.inputs import take_drawn_inputs

if TYPE_CHECKING:
    from refold.actions.action import Action
    from refold.replay.line_chain import CommitText

__all__ = ["DIGEST_EVERY", "CommitRecords", "make_commit_records"]

DIGEST_EVERY: Final = 256
"""A digest reads the whole state, so it is not made for every record; verification names the
stretch of at most so many records in which a replay went another way."""

_SAFE: Final = 2**63
"""Below it, JSON's numbers are Python's: orjson takes thrice the time for one."""

_dumps: Final[Callable[[Any], bytes]] = orjson.dumps


class CommitRecords(NamedTuple):
    """Functions over the same variables."""

    encode: Callable[[Action], None]
    """Encode an action that is on its way to the reducer.

    Raises:
        PayloadError: it cannot be recorded.
    """

    commit: Callable[[tuple[Action, ...]], CommitText]
    """Return the line of a commit: the envelope of its action, or under ``actions`` those of a
    transaction's.  What is dispatched in answer carries the id of the last one as its cause.

    Raises:
        PayloadError: one cannot be recorded.
    """

    head: Callable[[], int]
    """Return the number of the last record."""

    has_undigested: Callable[[], bool]
    """Tell whether there are records after the last digest."""


def make_commit_records(
    head: int, read_state: Callable[[], Any], *, is_digest_due: bool
) -> CommitRecords:
    """Return the functions for one writing.

    Args:
        head: the number of the last record so far.
        read_state: gives the present state.
        is_digest_due: whether the next record shall have a digest, so that `verify` sees a wrong
            state at once.
    """
    writer_name = secrets.token_hex(4)
    since_digest = DIGEST_EVERY if is_digest_due else 0
    templates: dict[type[Action], tuple[bytes, bytes]] = {}
    encoded: Action | None = None
    payload = b""

    def encode(action: Action) -> None:
        nonlocal encoded, payload
        payload = encode_payload_text(action)
        encoded = action

    def next_envelope(action: Action, *, is_last: bool) -> bytes:
        nonlocal head, since_digest
        head += 1
        since_digest += 1
        digest = None
        if is_last and since_digest >= DIGEST_EVERY:
            digest, since_digest = state_digest(read_state()), 0
        text = payload if action is encoded else encode_payload_text(action)
        inputs, at_ms, cls = take_drawn_inputs(), action.at_ms, action.__class__
        when = b"%d" % at_ms if type(at_ms) is int and 0 <= at_ms < _SAFE else _dumps(at_ms)
        ordinary, whole = templates.get(cls) or templates.setdefault(
            cls, _templates(cls, writer_name)
        )
        if inputs is None and digest is None and saved_dispatch_context() is NOBODY_ELSE:
            return ordinary % (head, head, when, text)
        context = current_dispatch_context()
        cause, origin = _dumps(context.cause), _dumps(context.origin)
        return whole % (head, head, when, cause, origin, text, _dumps(inputs), _dumps(digest))

    def commit(actions: tuple[Action, ...]) -> CommitText:
        if len(actions) == 1:
            text = next_envelope(actions[0], is_last=True)
        else:
            last = head + len(actions)
            texts = [next_envelope(action, is_last=head == last - 1) for action in actions]
            text = b'{"actions":[%b}]' % b"},".join(texts)
        handling((writer_name, head))
        return head, text

    return CommitRecords(encode, commit, lambda: head, lambda: since_digest > 0)


def _templates(cls: type[Action], writer_name: str) -> tuple[bytes, bytes]:
    """Return the envelope of a class, with places for what is different in each record.

    Returns:
        that of what the application dispatches, unless its record has inputs or a digest; and that
        of all others.
    """
    begin = b'{"seq":%%d,"id":"%b-%%d","name":%b,"version":%d,"at_ms":%%b,"cause":' % (
        writer_name.encode(),
        _dumps(cls.wire_name).replace(b"%", b"%%"),
        cls.wire_version,
    )
    return (
        begin + b'null,"origin":"app","payload":%b,"inputs":null,"digest":null',
        begin + b'%b,"origin":%b,"payload":%b,"inputs":%b,"digest":%b',
    )
