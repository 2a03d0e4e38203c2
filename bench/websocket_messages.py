"""The messages of the WebSocket rows, said without any library.

What belongs here: their texts and what must come out of them.  What does not: sockets.
"""

from __future__ import annotations

import json
from typing import Final

from work import Outcome

__all__ = ["MESSAGES", "MESSAGES_OF_A_PASS", "TEXTS_TO_SEND", "expected_of_a_pass"]

MESSAGES_OF_A_PASS: Final = 1000
"""So many that asking for them costs nothing."""

_READINGS: Final = tuple(
    {
        "type": "sensor_was_read",
        "sensor": f"sensor-{number % 40}",
        "value": 20 + number % 17 / 4,
        "count": 1 + number % 5,
        "at_ms": 1_700_000_000_000 + number,
    }
    for number in range(MESSAGES_OF_A_PASS)
)

MESSAGES: Final = tuple(json.dumps(reading, separators=(",", ":")) for reading in _READINGS)
"""What the server sends in one pass, each about 90 bytes."""

TEXTS_TO_SEND: Final = MESSAGES[:500]
"""What the client sends in one pass: half of what an outbound queue holds by default."""


def expected_of_a_pass() -> Outcome:
    """Return how many messages were handled, and the sum of their counts."""
    return [[MESSAGES_OF_A_PASS, sum(1 + number % 5 for number in range(MESSAGES_OF_A_PASS))]]
