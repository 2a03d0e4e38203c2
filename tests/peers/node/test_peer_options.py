"""`PeerOptions`: the defaults that the design names, and what is refused.

What belongs here: values.  What does not: what a node does by them.
"""

from __future__ import annotations

import time
from typing import Any

import pytest

from refold.middleware.peer_network.peer_options import PeerOptions


def test_the_defaults_are_those_of_the_design() -> None:
    """Order, time limits, attempts, keepalive and bounds, in seconds and numbers."""
    options = PeerOptions()
    assert options.order == ("direct", "webrtc", "relay")
    assert [options.address_timeout(kind) for kind in options.order] == [3.0, 10.0, 5.0]
    assert (options.attempts, options.retry_base) == (3, 1.0)
    assert (options.keepalive_interval, options.keepalive_timeout) == (5.0, 12.5)
    assert (options.max_links_per_peer, options.concurrency) == (4, 3)


def test_the_usual_clock_is_the_system_s() -> None:
    """Presences expire by milliseconds since the Unix epoch."""
    before = time.time_ns() // 1_000_000
    assert before <= PeerOptions().now_ms() <= time.time_ns() // 1_000_000


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"order": ("direct", "pigeon")}, "order must name each of direct, relay, webrtc"),
        ({"order": ("direct", "direct")}, "at most once"),
        ({"attempts": 0}, "attempts must be 1 or more, got 0"),
        ({"retry_base": 0.0}, "retry_base must be finite and above 0"),
        ({"keepalive_timeout": 5.0}, "keepalive_timeout must be above keepalive_interval"),
    ],
)
def test_what_makes_no_sense_is_refused(wrong: dict[str, Any], text: str) -> None:
    """The error names the option, and says what is expected."""
    with pytest.raises(ValueError, match=text):
        PeerOptions(**wrong)
