"""`MessageDecoder`: the decoding of one connection, which counts what it could not read."""

from __future__ import annotations

import logging
from typing import Final

from refold.actions.message import DEFAULT_MESSAGES, MessageRegistry
from refold.middleware.decode_message import DEFAULT_TYPE_KEY, BadMessage, decode_message

__all__ = ["MessageDecoder"]

_MANY: Final = 100
"""Bad messages in a row that are no accident any more: the peer speaks another language."""

_log = logging.getLogger("refold.websocket")


class MessageDecoder:
    """Decodes as `decode_message` does; warns once in each row of 100 bad messages or more."""

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
