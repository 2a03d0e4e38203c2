"""What a close frame of ours may say, and that the peer hears it."""

from __future__ import annotations

from typing import Any, cast

import pytest

from refold.middleware.goodbye import Goodbye
from tests.connection.sockets.peers import CLOSE, Wire, peer
from tests.connection.sockets.running import running


@pytest.mark.parametrize("code", [1000, 3000, 3999, 4000, 4999])
@pytest.mark.parametrize("reason", ["", "done", "x" * 123, "€" * 41])
def test_what_an_application_may_say_is_taken(code: int, reason: str) -> None:
    """1000 and 3000 to 4999, with a reason of up to 123 bytes of UTF-8."""
    assert Goodbye(code, reason).payload == code.to_bytes(2, "big") + reason.encode()


@pytest.mark.parametrize("code", [-1, 0, 999, 1001, 1005, 1006, 1011, 2999, 5000, 65535, 2**70])
def test_table_l_a_code_of_the_protocol_is_refused(code: int) -> None:
    """Bad input: any other code raises ValueError, which says what may be used."""
    with pytest.raises(ValueError, match=rf"must be 1000 or from 3000 to 4999, got {code}"):
        Goodbye(code)


@pytest.mark.parametrize("code", [True, 1000.0, "1000", None])
def test_table_l_a_code_that_is_no_int_is_refused(code: object) -> None:
    """Bad input: what is no int raises TypeError, a bool too."""
    with pytest.raises(TypeError, match="a close code must be an int, got "):
        Goodbye(cast("Any", code))


@pytest.mark.parametrize("reason", ["x" * 124, "€" * 42, "\ud800"])
def test_table_l_a_reason_that_does_not_fit_is_refused(reason: str) -> None:
    """Bad input: more than 123 bytes, or what has no UTF-8 form, raises ValueError."""
    with pytest.raises(ValueError, match=r"at most 123 bytes|surrogates not allowed"):
        Goodbye(1000, reason)


@pytest.mark.parametrize("reason", [b"done", None, 7])
def test_table_l_a_reason_that_is_no_text_is_refused(reason: object) -> None:
    """Bad input: what is no text raises TypeError."""
    with pytest.raises(TypeError, match="the reason of a close must be a text, got "):
        Goodbye(1000, cast("Any", reason))


async def test_the_peer_hears_the_code_and_the_reason() -> None:
    """`disconnect(code, reason)` tells the peer; a bad code leaves the link as it is."""
    said: list[bytes] = []

    async def listens(wire: Wire) -> None:
        await wire.handshake()
        while True:
            opcode, payload = await wire.receive()
            if opcode == CLOSE:
                said.append(payload)
                wire.send(CLOSE, payload)
                return

    async with peer(listens) as server, running(server.url) as scene:
        await scene.connection.connect(wait=True)
        with pytest.raises(ValueError, match="must be 1000 or from 3000"):
            await scene.connection.disconnect(1006)
        assert scene.state.status == "connected"
        await scene.connection.disconnect(4001, "moved on")
    assert said == [b"\x0f\xa1moved on"]
