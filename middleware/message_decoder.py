"""`MessageDecoder`: the decoding of one connection, which counts what it could not read.

What belongs here: counting, and choosing the quick way for a plain message.  What does not: saying
what is wrong with a message, which `decode_message` does for whatever the quick way does not take.
"""

from __future__ import annotations

import logging
from typing import Any, Final

import orjson

from refold.actions.message import DEFAULT_MESSAGES, MessageRegistry
from refold.middleware.decode_message import DEFAULT_TYPE_KEY, BadMessage, decode_message
from refold.middleware.plain_message_reader import (
    PlainMessageReader,
    has_each_key_once,
    make_plain_message_reader,
)

__all__ = ["MessageDecoder"]

_MANY: Final = 100
"""Bad messages in a row that are no accident any more: the peer speaks another language."""

_log = logging.getLogger("refold.websocket")


class MessageDecoder:
    """Decodes as `decode_message` does; warns once in each row of 100 bad messages or more.

    A good message of a plain class costs about a third of what `decode_message` takes.
    """

    def __init__(
        self, registry: MessageRegistry = DEFAULT_MESSAGES, *, key: str = DEFAULT_TYPE_KEY
    ) -> None:
        """Count from 0.

        Args:
            registry: where classes are found.
            key: under which the type stands.
        """
        self._registry = registry
        self._key = key
        self._bad_count = 0
        self._bad_in_a_row = 0
        self._readers: dict[type[Any] | None, PlainMessageReader | None] = {}

    @property
    def key(self) -> str:
        """The key under which the type stands."""
        return self._key

    @property
    def bad_count(self) -> int:
        """Bad messages so far."""
        return self._bad_count

    @property
    def bad_in_a_row(self) -> int:
        """Bad messages since the last good one."""
        return self._bad_in_a_row

    def decode(self, raw: str | bytes) -> object | BadMessage:
        """Return the message that a JSON text says, or what is wrong with it; never raise."""
        try:
            quick = self._decode_quickly(raw)
        except Exception:  # noqa: BLE001  # whatever it is, decode_message meets it again and says it
            quick = None
        if quick is not None:
            self._bad_in_a_row = 0
            return quick
        decoded = decode_message(raw, self._registry, key=self._key)
        if not isinstance(decoded, BadMessage):
            self._bad_in_a_row = 0
            return decoded
        self._bad_count += 1
        self._bad_in_a_row += 1
        if self._bad_in_a_row == _MANY:
            _log.warning(
                "the last %d messages could not be read, the latest because: %s; declare the types"
                " that the peer sends by @message, or look whether it is the right peer",
                _MANY,
                decoded.reason,
            )
        return decoded

    def _decode_quickly(self, raw: str | bytes) -> object | None:
        """Return a message of a plain class; return None or raise for anything else."""
        fields: dict[str, Any] = orjson.loads(raw)
        if type(fields) is not dict:
            return None
        wire_type = fields[self._key]
        if type(wire_type) is not str:
            return None
        cls = self._registry.find(wire_type)
        try:
            reader = self._readers[cls]
        except KeyError:
            reader = self._readers[cls] = make_plain_message_reader(cls, self._key)
        if reader is None:
            return None
        colons = raw.count(":") if isinstance(raw, str) else raw.count(b":")
        if colons != len(fields) and not has_each_key_once(raw, fields):
            return None
        return reader(fields)
