"""`describe_failure`: what is told of an exception, and what never is."""

from __future__ import annotations

import errno
import socket
import ssl
from typing import Any, get_args
from unittest.mock import Mock

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from refold.actions.connection import FailureKind, LastError
from refold.errors import ConnectionFatalError
from refold.middleware.describe_failure import describe_failure, is_fatal_error

ALL_KINDS: tuple[FailureKind, ...] = get_args(FailureKind)
SECRETS = ("us3r", "passw0rd", "t0ken", "Bearer", "h3ader")
ADDRESS = "wss://us3r:passw0rd@hub.example:8443/feed?token=t0ken"
LEAKY = f"cannot reach {ADDRESS} with Authorization: Bearer h3ader"
KEY = ConnectionKey("hub.example", 8443, True, True, None, None, None)  # noqa: FBT003  # aiohttp's
REQUEST: Any = Mock(real_url=URL(ADDRESS))


class BrokenTextError(Exception):
    """An error whose text cannot be had."""

    def __str__(self) -> str:
        """Raise."""
        raise ValueError


class BrokenFatalError(ConnectionFatalError):
    """A fatal error of the application whose text cannot be had."""

    def __str__(self) -> str:
        """Raise."""
        raise ValueError


class WrongTextError(Exception):
    """An error whose text is none."""

    def __str__(self) -> Any:
        """Return what Python does not accept."""
        return 1  # noqa: PLE0307  # that is the point


def certificate_error() -> ssl.SSLCertVerificationError:
    """Return what TLS raises for a certificate of another host."""
    return ssl.SSLCertVerificationError(1, f"not valid for '{ADDRESS}'")


ERRORS: list[BaseException] = [
    TimeoutError(),
    TimeoutError(""),
    TimeoutError(errno.ETIMEDOUT, LEAKY),
    Exception(),
    Exception(LEAKY),
    ValueError(LEAKY),
    KeyError(LEAKY),
    RuntimeError("Session is closed"),
    OSError(),
    OSError(LEAKY),
    OSError(99_999, LEAKY),
    OSError(errno.ECONNREFUSED, f"Connect call failed ('hub.example', 8443) {LEAKY}"),
    FileNotFoundError(errno.ENOENT, "No such file or directory", ADDRESS),
    socket.gaierror(socket.EAI_NONAME, LEAKY),
    ssl.SSLError(1, LEAKY),
    certificate_error(),
    BrokenTextError(),
    BrokenFatalError(),
    WrongTextError(),
    ConnectionFatalError(),
    ConnectionFatalError(LEAKY),
    ExceptionGroup(LEAKY, [ValueError(LEAKY)]),
    aiohttp.ClientError(LEAKY),
    aiohttp.InvalidURL(ADDRESS, LEAKY),
    aiohttp.NonHttpUrlClientError(ADDRESS),
    aiohttp.ClientConnectorError(KEY, OSError(errno.ECONNREFUSED, LEAKY)),
    aiohttp.ClientConnectorError(KEY, OSError(LEAKY)),
    aiohttp.ClientConnectorDNSError(KEY, socket.gaierror(socket.EAI_NONAME, LEAKY)),
    aiohttp.ClientConnectorSSLError(KEY, ssl.SSLError(1, LEAKY)),
    aiohttp.ClientConnectorCertificateError(KEY, certificate_error()),
    aiohttp.ServerFingerprintMismatch(b"a", b"b", ADDRESS, 8443),
    aiohttp.ServerDisconnectedError(LEAKY),
    aiohttp.ConnectionTimeoutError(f"Connection timeout to host {ADDRESS}"),
    aiohttp.ClientConnectionResetError("Cannot write to closing transport"),
    aiohttp.ClientPayloadError(LEAKY),
    aiohttp.ClientResponseError(REQUEST, (), status=400, message=LEAKY),
    aiohttp.WSServerHandshakeError(
        REQUEST,
        (),
        status=403,
        message=LEAKY,
        headers=CIMultiDictProxy(CIMultiDict({"X-Key": "h3ader"})),
    ),
]


@pytest.mark.parametrize("kind", ALL_KINDS)
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_a_message_is_never_empty_and_tells_no_secret(
    error: BaseException, kind: FailureKind
) -> None:
    """Rule 2.

    Whatever is raised while doing whatever: some words, no address, no token, no header.
    """
    told = describe_failure(error, kind, SECRETS)
    assert told.message.strip()
    assert told.type_name == type(error).__name__
    for private in (*SECRETS, "hub.example", "8443", "://"):
        assert private not in told.message


@pytest.mark.parametrize("kind", [kind for kind in ALL_KINDS if kind != "on_open"])
@given(text=st.text(), secret=st.text(min_size=1))
def test_an_unknown_error_is_told_by_its_class_alone(
    kind: FailureKind, text: str, secret: str
) -> None:
    """Nobody can know what its text holds, so secrets need not be known either."""
    message = describe_failure(ValueError(f"{text}{secret}"), kind).message
    assert message == "ValueError"


def test_an_error_without_a_text_is_told_by_its_class() -> None:
    """Rule 2: ``TimeoutError('')`` becomes its class name."""
    assert describe_failure(TimeoutError(""), "connect").message == "TimeoutError"


@pytest.mark.parametrize("kind", ["factory", "connect"])
def test_running_out_of_time_while_dialing_is_a_timeout(kind: FailureKind) -> None:
    """Whatever the attempt was busy with."""
    assert describe_failure(TimeoutError(), kind).kind == "timeout"
    assert describe_failure(aiohttp.ConnectionTimeoutError(), kind).kind == "timeout"


@pytest.mark.parametrize("kind", ["on_open", "send", "lost"])
def test_a_timeout_on_an_open_link_keeps_its_kind(kind: FailureKind) -> None:
    """It is the application's or the system's, not the attempt's."""
    assert describe_failure(TimeoutError(), kind).kind == kind


@pytest.mark.parametrize("kind", ["on_open", "send", "lost"])
def test_a_link_that_failed_has_the_code_of_an_abrupt_loss(kind: FailureKind) -> None:
    """1006, because nobody said goodbye; an attempt has no close code."""
    assert describe_failure(RuntimeError(), kind).close_code == 1006
    assert describe_failure(RuntimeError(), "connect").close_code is None


def test_a_refused_handshake_tells_its_status() -> None:
    """The one error that carries an answer of the server."""
    error = aiohttp.WSServerHandshakeError(REQUEST, (), status=503, message="busy")
    assert describe_failure(error, "connect") == LastError(
        "http",
        "WSServerHandshakeError",
        "the server answered the handshake with HTTP 503",
        http_status=503,
    )


def test_garbage_instead_of_http_has_no_status() -> None:
    """Rule 23: what aiohttp calls a 400, no server said."""
    error = aiohttp.ClientResponseError(REQUEST, (), status=400, message="Bad status line")
    assert describe_failure(error, "connect") == LastError(
        "connect", "ClientResponseError", "ClientResponseError"
    )


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            aiohttp.ClientConnectorError(KEY, OSError(errno.ECONNREFUSED, "x")),
            "Connection refused",
        ),
        (ConnectionResetError(errno.ECONNRESET, "x"), "Connection reset by peer"),
        (
            aiohttp.ClientConnectorDNSError(KEY, socket.gaierror(-2, "x")),
            "the host's name could not be resolved",
        ),
        (
            aiohttp.ClientConnectorCertificateError(KEY, certificate_error()),
            "the server's certificate is not the one that it should be",
        ),
        (aiohttp.InvalidURL("x"), "the address is not valid"),
    ],
)
def test_what_the_system_says_is_told_in_its_words(error: BaseException, message: str) -> None:
    """A failure of the network can be understood without its address."""
    assert describe_failure(error, "connect").message == message


def test_a_bad_frame_is_told_with_the_code_that_fits_it() -> None:
    """What aiohttp found wrong with it is told, so that a message that is too large is fatal."""
    error = aiohttp.WebSocketError(1009, "Message size 5 exceeds limit 4")
    assert describe_failure(error, "protocol") == LastError(
        "protocol", "WebSocketError", "Message size 5 exceeds limit 4", close_code=1009
    )


def test_tls_that_failed_tells_its_reason() -> None:
    """OpenSSL's short name of what went wrong."""
    context = ssl.create_default_context()
    tls = context.wrap_bio(garbage := ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="x")
    garbage.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    with pytest.raises(ssl.SSLError) as caught:
        tls.do_handshake()
    message = describe_failure(caught.value, "connect").message
    assert message == f"TLS failed: {caught.value.reason}"


@pytest.mark.parametrize("kind", ["factory", "connect", "on_open"])
def test_a_fatal_error_is_told_in_its_own_words(kind: FailureKind) -> None:
    """The application raised it to be read, and it loses only what must not be shown."""
    error = ConnectionFatalError(f"the licence ended; see {ADDRESS}")
    assert describe_failure(error, kind).message == "the licence ended; see ***"


def test_an_unfinished_greeting_is_told_in_its_own_words() -> None:
    """``on_open`` is the application's: its text is kept, without what is known to be secret."""
    told = describe_failure(RuntimeError("the hub refused t0ken"), "on_open", SECRETS)
    assert (told.kind, told.message) == ("on_open", "the hub refused ***")


@pytest.mark.parametrize(
    "error",
    [
        ConnectionFatalError("no"),
        aiohttp.InvalidURL("x"),
        aiohttp.NonHttpUrlClientError("x"),
        aiohttp.ServerFingerprintMismatch(b"a", b"b", "x", 1),
        aiohttp.ClientConnectorCertificateError(KEY, certificate_error()),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_that_no_other_attempt_can_mend_is_fatal(error: BaseException) -> None:
    """Rule 25: a wrong address, a wrong certificate, and the application's own word."""
    assert is_fatal_error(error)


@pytest.mark.parametrize(
    "error",
    [
        TimeoutError(),
        OSError(errno.EHOSTUNREACH, "x"),
        aiohttp.ClientConnectorError(KEY, ConnectionRefusedError()),
        aiohttp.ClientConnectorDNSError(KEY, socket.gaierror(-2, "x")),
        aiohttp.ClientConnectorSSLError(KEY, ssl.SSLError(1, "x")),
        aiohttp.ClientResponseError(REQUEST, (), status=400),
        aiohttp.WSServerHandshakeError(REQUEST, (), status=403),
        ValueError("from a factory"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_that_may_pass_is_not_fatal_by_itself(error: BaseException) -> None:
    """Rule 25.

    Names, refusals, resets, other TLS errors and factories; a status is judged elsewhere.
    """
    assert not is_fatal_error(error)
