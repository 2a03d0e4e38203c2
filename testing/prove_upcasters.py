"""`UpcasterProver`: reads payloads of a locked version of a class by the loaded class.

What belongs here: which reader a class has.  What does not: making payloads, which
`payloads_of_schema` does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from refold.replay.action_codec import decode_action, decode_value
from refold.replay.log_record import LogRecord
from refold.replay.schema import Schema
from refold.replay.schema_verdict import Proof
from refold.testing.payloads_of_schema import first_unreadable, payloads_of

__all__ = ["UpcasterProver"]


@attrs.frozen
class UpcasterProver:
    """Makes payloads of one version of a class as it was locked, and reads each as a log is read.

    Its calls are what `judge_schema` asks for.
    """

    old: Schema
    """The locked schema."""

    new: Schema
    """That of the loaded classes."""

    count: int = 100
    """How many payloads are made of each version."""

    seed: int = 0
    """The same number makes the same payloads."""

    def __call__(self, name: str, version: int) -> Proof:
        """Try the payloads of a class that is in both schemas."""
        payloads = payloads_of(self.old, name, version)
        read = self._reader(name, version)
        broken = first_unreadable(payloads, read, count=self.count, seed_number=self.seed)
        if broken is None:
            return Proof(self.count)
        payload, error = broken
        return Proof(self.count, payload, str(error))

    def _reader(self, name: str, version: int) -> Callable[[Any], object]:
        one = self.new.classes[name]
        if one.kind != "action":
            return lambda value: decode_value(value, one.tp, name)

        def read(payload: Any) -> object:
            return decode_action(LogRecord(1, "proof-1", name, version, None, None, "app", payload))

        return read
