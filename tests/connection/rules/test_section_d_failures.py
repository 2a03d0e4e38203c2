"""Section D, rules 22 to 26: which failures stop, as they come over real sockets."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
import subprocess
from typing import TYPE_CHECKING, Any, Final

import attrs
import pytest

from refold.actions.connection import ConnectionLostAndRetryScheduled
from refold.reducers.classify_failure import Failure, Verdict
from tests.connection.foreign.optional_parts import find_program
from tests.connection.sockets.faults import RETRIED_FAULTS, closes_with, refuses_with
from tests.connection.sockets.peers import CLOSE, TEXT, Wire, echoes, keeps_silent, peer
from tests.connection.sockets.running import FAST, running

if TYPE_CHECKING:
    from pathlib import Path

    from refold.actions.connection import LastError
    from refold.reducers.connection import ConnectionState

FATAL_STATUSES: Final = (200, 204, 300, 304, 400, 404, 405, 410, 426)
RETRIED_STATUSES: Final = (408, 425, 429, 500, 501, 502, 503, 504, 599)
FATAL_CODES: Final = (1002, 1003, 1007, 1008, 1009, 1010)
RETRIED_CODES: Final = (1000, 1001, 1011, 1012, 1013, 1014, 3001, 3999, 4000, 4999)
NO_CODES: Final = (0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535)


def has_an_outcome(state: ConnectionState) -> bool:
    """Tell whether a first failure was judged."""
    return state.terminal_reason is not None or state.error_count > 0


async def outcome(url: Any, **settings: Any) -> tuple[str | None, LastError]:
    """Return whether the first failure ended the run, and what was told of it."""
    async with running(url, **settings) as scene:
        state = await scene.until(has_an_outcome)
        assert state.last_error is not None
        return state.terminal_reason, state.last_error


async def test_rule_22_the_classifier_sees_all_that_is_known_of_either_phase() -> None:
    """Rule 22: phase, exception, status, headers, code, reason, attempt and uptime."""
    seen: list[Failure] = []

    async def closes(wire: Wire) -> None:
        await wire.handshake()
        await wire.writer.drain()
        wire.send(CLOSE, (4002).to_bytes(2, "big") + b"too many")
        await wire.reader.read()

    def classify(failure: Failure) -> Verdict:
        seen.append(failure)
        return Verdict.RETRY

    async with (
        peer(refuses_with("404 Nowhere\r\nX-Why: moved")) as server,
        running(server.url, classify=classify) as scene,
    ):
        await scene.until(lambda state: state.error_count == 1)
        server.behaviour = closes
        await scene.until(lambda state: state.total_connects == 1 and state.error_count >= 2)
    refused, *_, closed = seen
    assert (refused.phase, refused.attempt, refused.http_status) == ("connecting", 1, 404)
    assert type(refused.exception).__name__ == "WSServerHandshakeError"
    assert (refused.headers["X-Why"], refused.close_code, refused.uptime_seconds) == (
        "moved",
        None,
        0,
    )
    assert (closed.phase, closed.close_code, closed.reason) == ("open", 4002, "too many")
    assert (closed.exception, closed.http_status) == (None, None)
    assert closed.attempt >= 2
    assert closed.uptime_seconds > 0


@pytest.mark.parametrize("status", FATAL_STATUSES)
async def test_rule_23_these_answers_end_the_run(status: int) -> None:
    """Rule 23: a wrong request, a success that is no upgrade, and a redirect are fatal."""
    async with peer(refuses_with(f"{status} Said")) as server:
        reason, error = await outcome(server.url)
    assert (reason, error.http_status) == ("fatal", status)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_rule_23_a_redirect_ends_the_run(status: int) -> None:
    """Rule 23: a redirect is fatal, with or without a place to go to."""
    for place in ("", "\r\nLocation: /elsewhere"):
        async with peer(refuses_with(f"{status} Said{place}")) as server:
            reason, error = await outcome(server.url)
        assert reason == "fatal"
        assert f"HTTP {status}" in error.message


@pytest.mark.parametrize("status", RETRIED_STATUSES)
async def test_rule_23_these_answers_are_tried_again(status: int) -> None:
    """Rule 23: a server that is busy or broken may not be so the next time."""
    async with peer(refuses_with(f"{status} Said")) as server:
        reason, error = await outcome(server.url)
    assert (reason, error.http_status) == (None, status)


@pytest.mark.parametrize("name", ["garbage", "broken handshake", "reset at once"])
async def test_rule_23_what_no_server_said_has_no_status(name: str) -> None:
    """Rule 23: aiohttp's own 400 for what is no HTTP is retried, and told without a status."""
    async with peer(RETRIED_FAULTS[name]) as server:
        reason, error = await outcome(server.url)
    assert (reason, error.http_status) == (None, None)


@pytest.mark.parametrize(
    "wrong", ["Upgrade: chess", "Connection: close", "Sec-WebSocket-Accept: bm90IHRoaXM="]
)
async def test_rule_23_a_handshake_that_does_not_match_is_tried_again(wrong: str) -> None:
    """Rule 23: a 101 whose headers are not those of a WebSocket is retried."""

    async def mismatches(wire: Wire) -> None:
        await wire.reader.readuntil(b"\r\n\r\n")
        right = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Accept": "bm8="}
        name, value = wrong.split(": ")
        lines = "".join(f"{key}: {it}\r\n" for key, it in {**right, name: value}.items())
        wire.writer.write(f"HTTP/1.1 101 Switching Protocols\r\n{lines}\r\n".encode())

    async with peer(mismatches) as server:
        reason, error = await outcome(server.url)
    assert (reason, error.kind) == (None, "http")


@pytest.mark.parametrize("code", FATAL_CODES)
async def test_rule_24_these_codes_end_the_run(code: int) -> None:
    """Rule 24: the same messages would be refused again."""
    async with peer(closes_with(code)) as server:
        reason, error = await outcome(server.url)
    assert (reason, error.kind, error.close_code) == ("fatal", "closed", code)


@pytest.mark.parametrize("code", RETRIED_CODES)
async def test_rule_24_these_codes_are_tried_again(code: int) -> None:
    """Rule 24: ends, restarts, overload and an application's own codes pass."""
    async with peer(closes_with(code)) as server:
        reason, error = await outcome(server.url)
    assert (reason, error.kind, error.close_code) == (None, "closed", code)


@pytest.mark.parametrize(("name", "code"), [("no code", 1005), ("fin", 1006), ("reset", 1006)])
async def test_rule_24_an_end_without_a_code_is_tried_again(name: str, code: int) -> None:
    """Rule 24: a close frame without a code is 1005, and no close frame is 1006."""
    async with peer(RETRIED_FAULTS[name]) as server:
        reason, error = await outcome(server.url)
    assert (reason, error.close_code) == (None, code)


@pytest.mark.parametrize("code", NO_CODES)
async def test_rule_24_a_code_that_no_peer_may_send_is_a_protocol_error(code: int) -> None:
    """Rule 24: codes of no registry, and those that stand for none, are recorded as 1002."""
    async with peer(closes_with(code)) as server:
        reason, error = await outcome(server.url)
    assert (reason, error.close_code) == ("fatal", 1002)


@pytest.fixture
def certificate(tmp_path: Path) -> ssl.SSLContext:
    """Return what a server needs to speak TLS with a certificate that nobody has signed."""
    key, file = tmp_path / "key.pem", tmp_path / "certificate.pem"
    asked = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    subprocess.run(
        [find_program("openssl"), *asked, "-subj", "/CN=hub", "-keyout", key, "-out", file],
        check=True,
        capture_output=True,
        timeout=30,
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(file, key)
    return context


async def test_rule_25_a_certificate_that_is_not_trusted_is_fatal(
    certificate: ssl.SSLContext,
) -> None:
    """Rule 25: another attempt would meet the same certificate."""

    async def accept(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _loop, _context: None)  # the server's own, of the refusal
    server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=certificate)
    async with server:
        port = server.sockets[0].getsockname()[1]
        reason, error = await outcome(f"wss://127.0.0.1:{port}/")
    assert reason == "fatal"
    assert "certificate" in error.message


async def test_rule_25_other_failures_of_tls_are_tried_again() -> None:
    """Rule 25: a server that speaks no TLS where it should may be a proxy that starts."""

    async def speaks_plainly(wire: Wire) -> None:
        await wire.reader.read(1)
        wire.writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with peer(speaks_plainly) as server:
        reason, error = await outcome(f"wss://127.0.0.1:{server.port}/")
    assert (reason, error.kind) == (None, "connect")


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/", "/relative", "", "ws://127.0.0.1:99999/"])
async def test_rule_25_an_address_that_can_never_be_dialled_is_fatal(url: str) -> None:
    """Rule 25: a factory that gives no WebSocket address ends the run."""
    reason, error = await outcome(lambda: url)
    assert (reason, error.kind) == ("fatal", "factory")
    assert error.message.startswith("url ")


@pytest.mark.parametrize(
    "error",
    [
        socket.gaierror(socket.EAI_NONAME, "Name or service not known"),
        socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"),
        OSError(errno.ENETUNREACH, "Network is unreachable"),
        OSError(errno.EHOSTUNREACH, "No route to host"),
    ],
    ids=lambda error: str(error.strerror),
)
async def test_rule_25_a_network_that_is_not_there_is_tried_again(
    error: OSError, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rule 25: names that are not found, and hosts without a way to them, are retried."""

    async def fail(*_arguments: object, **_settings: object) -> None:
        raise error

    loop = asyncio.get_running_loop()
    is_about_names = isinstance(error, socket.gaierror)
    monkeypatch.setattr(loop, "getaddrinfo" if is_about_names else "create_connection", fail)
    url = "ws://hub.example/" if is_about_names else "ws://127.0.0.1:9/"
    reason, told = await outcome(url)
    assert (reason, told.kind) == (None, "connect")
    assert "hub.example" not in told.message


async def test_rule_25_a_port_where_nobody_listens_is_tried_again() -> None:
    """Rule 25: a server that is not there yet is retried."""
    async with peer(echoes) as server:
        pass
    reason, error = await outcome(server.url)
    assert (reason, error.kind) == (None, "connect")


CAUSES: Final = {
    "half a frame": (RETRIED_FAULTS["mid-frame"], "lost"),
    "FIN": (RETRIED_FAULTS["fin"], "lost"),
    "RST": (RETRIED_FAULTS["reset"], "lost"),
    "a close frame": (closes_with(1011), "closed"),
    "silence": (RETRIED_FAULTS["half-open"], "heartbeat_timeout"),
}


@pytest.mark.parametrize("name", CAUSES)
async def test_rule_26_what_is_told_is_why_and_not_what_aiohttp_makes_of_it(name: str) -> None:
    """Rule 26: the first cause is told, also when a write is on its way; never the transport's."""
    behaviour, kind = CAUSES[name]
    options = attrs.evolve(FAST, heartbeat_interval=0.03, heartbeat_timeout=0.06)
    async with peer(behaviour) as server, running(server.url, options=options) as scene:
        for _ in range(20):
            scene.connection.send("x" * 60_000)
        await scene.until(lambda state: state.error_count == 3)
        told = [lost.error for lost in scene.trace.of(ConnectionLostAndRetryScheduled)]
    assert {error.kind for error in told} == {kind}
    assert not [error for error in told if "transport" in error.message.lower()]


async def test_rule_26_a_user_who_closes_is_the_cause_of_the_end() -> None:
    """Rule 26: a link that breaks while it is closed ended by the user, without an error."""

    async def breaks_on_goodbye(wire: Wire) -> None:
        await wire.handshake()
        while (await wire.receive())[0] != CLOSE:
            pass
        wire.reset()

    async with peer(breaks_on_goodbye) as server, running(server.url) as scene:
        await scene.connection.connect(wait=True)
        await scene.connection.disconnect()
        assert (scene.state.terminal_reason, scene.state.last_error) == ("closed_by_user", None)


@pytest.mark.looptime
async def test_rule_26_a_send_that_is_stuck_is_the_cause_of_the_loss() -> None:
    """Rule 26: a peer that takes nothing for 10 s is told as a failed send with 1006."""

    async def deaf(wire: Wire) -> None:
        await wire.handshake()
        wire.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a transport that reads
        while True:
            wire.send(TEXT, b"still here")
            await asyncio.sleep(1)

    options = attrs.evolve(FAST, send_timeout=10.0, max_queue_bytes=2**26)
    async with peer(deaf) as server, running(server.url, options=options) as scene:
        for _ in range(64):
            scene.connection.send(b"x" * 2**19)
        await scene.until(lambda state: state.error_count == 1, 1000)
        (lost,) = scene.trace.of(ConnectionLostAndRetryScheduled)
        server.behaviour = keeps_silent
    assert (lost.error.kind, lost.error.close_code) == ("send", 1006)
