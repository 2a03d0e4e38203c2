"""Row 16: what a connection that comes back costs while nothing happens to it.

Client and server are two processes; only the client's CPU time counts.  All contestants receive the
same bytes from the same kind of server, which no library of theirs serves.
"""

from __future__ import annotations

from contestant import Contestant, ContestantMissingError
from peer_library import version_of
from row import Entry, Row, at_least, only_told
from websocket_messages import MESSAGES_OF_A_PASS, TEXTS_TO_SEND, expected_of_a_pass
from work import Outcome

__all__ = ["websocket_rows"]

_RAW = "raw aiohttp + JSON"
_RAW_TYPED = "raw aiohttp + JSON + cattrs"
_RAW_SEND = "raw send_str"


def websocket_rows() -> tuple[Row, ...]:
    """Return the rows."""
    expected = expected_of_a_pass()
    raw = Entry(_RAW, lambda: _make(_RAW), expected)
    raw_typed = Entry(_RAW_TYPED, lambda: _make(_RAW_TYPED), expected)
    told = only_told(_RAW_TYPED)
    sent: Outcome = [[len(TEXTS_TO_SEND), sum(map(len, TEXTS_TO_SEND))]]
    return (
        Row(
            "16",
            "WebSocket: receive in on_message, orjson + cattrs",
            (Entry("refold", lambda: _make("refold calls back"), expected), raw, raw_typed),
            (at_least(0.5, _RAW), told),
        ),
        Row(
            "16",
            "WebSocket: receive, MessageDecoder, one typed handler",
            (Entry("refold", lambda: _make("refold handles"), expected), raw, raw_typed),
            (at_least(0.5, _RAW), told),
        ),
        Row(
            "16",
            "WebSocket: the same, one action per message",
            (Entry("refold", lambda: _make("refold dispatches"), expected), raw, raw_typed),
            (at_least(0.15, _RAW), told),
        ),
        Row(
            "16",
            "WebSocket: send",
            (
                Entry("refold", lambda: _make("refold sends"), sent),
                Entry(_RAW_SEND, lambda: _make(_RAW_SEND), sent),
            ),
            (at_least(0.5, _RAW_SEND),),
        ),
    )


def _make(name: str) -> Contestant:
    """Return a contestant; aiohttp is imported now, so that other rows do without it."""
    if version_of("aiohttp") is None:
        message = "aiohttp is not installed"
        raise ContestantMissingError(message)
    import websocket_raw as raw  # noqa: PLC0415  # see above
    import websocket_refold as refold  # noqa: PLC0415
    from websocket_contestant import WebSocketContestant  # noqa: PLC0415

    open_client = {
        "refold calls back": refold.open_refold_callback,
        "refold handles": refold.open_refold_receiver,
        "refold dispatches": refold.open_refold_dispatcher,
        "refold sends": refold.open_refold_sender,
        _RAW: raw.open_raw_receiver,
        _RAW_TYPED: raw.open_raw_typed_receiver,
        _RAW_SEND: raw.open_raw_sender,
    }[name]
    operations = len(TEXTS_TO_SEND) if "send" in name else MESSAGES_OF_A_PASS
    return WebSocketContestant(open_client, operations)
