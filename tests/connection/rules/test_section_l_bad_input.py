"""Section L: what bad input gets, at the call and before anything is opened."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any, Final, get_args

import pytest
from yarl import URL

from refold.errors import QueueFullError, StoreClosedError
from refold.middleware.outbound_overflow import OverflowPolicy
from refold.middleware.websocket_connection import WebSocketConnection
from refold.middleware.websocket_options import WebSocketOptions
from refold.reducers.backoff_delay import Backoff, Jitter
from tests.connection.sockets.running import make_scene, running

if TYPE_CHECKING:
    from collections.abc import Generator

ADDRESS: Final = "ws://127.0.0.1:9/"
NO_NUMBERS: Final = (True, False, "1", b"1", None, [1])
OUT_OF_RANGE: Final = (0, -1, -0.5, float("nan"), float("inf"), float("-inf"))

WRONG_URLS: Final[dict[str, tuple[Any, type[Exception]]]] = {
    "None": (None, TypeError),
    "bytes": (b"ws://127.0.0.1/", TypeError),
    "a number": (8080, TypeError),
    "relative": ("/feed", ValueError),
    "a relative URL": (URL("/feed"), ValueError),
    "ftp": ("ftp://127.0.0.1/", ValueError),
    "port 99999": ("ws://127.0.0.1:99999/", ValueError),
    "empty host": ("ws:///feed", ValueError),
    "empty": ("", ValueError),
}


@pytest.fixture(autouse=True)
def no_socket() -> Generator[None]:
    """Let a test fail that opens a socket before its bad input was refused."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", _refuse)
        patch.setattr(socket, "getaddrinfo", _refuse)
        yield


def _refuse(*_arguments: object, **_settings: object) -> None:
    pytest.fail("a socket was used before the input was checked")


def construct(url: Any = ADDRESS, **settings: Any) -> WebSocketConnection:
    """Make a connection from unchecked types."""
    return WebSocketConnection(url, **settings)


@pytest.mark.parametrize("name", WRONG_URLS)
def test_an_address_that_is_none_is_refused_at_construction(name: str) -> None:
    """Bad input: an address that is no absolute WebSocket address names the argument `url`."""
    url, kind = WRONG_URLS[name]
    with pytest.raises(kind, match=r"^url "):
        construct(url)


@pytest.mark.parametrize("name", WRONG_URLS)
async def test_an_address_that_is_none_is_fatal_from_a_factory(name: str) -> None:
    """Bad input: the same from a factory ends the run by one action, with the same words."""
    url, _ = WRONG_URLS[name]
    async with running(lambda: url) as scene:
        state = await scene.until(lambda state: state.terminal_reason)
    assert state.terminal_reason == "fatal"
    assert state.last_error is not None
    assert state.last_error.message.startswith("url ")
    assert state.error_count == 1


@pytest.mark.parametrize("name", ["initial_seconds", "factor", "cap_seconds", "floor_seconds"])
def test_a_backoff_of_no_numbers_is_refused(name: str) -> None:
    """Bad input: 0, negatives, NaN, infinities, bools and texts name the argument."""
    for value in OUT_OF_RANGE:
        with pytest.raises(ValueError, match=rf"^{name} "):
            Backoff(**{name: value})  # type: ignore[arg-type]  # all of them are numbers
    for wrong in NO_NUMBERS:
        with pytest.raises(TypeError, match=rf"^{name} "):
            Backoff(**{name: wrong})  # type: ignore[arg-type]  # that is the point


def test_a_backoff_whose_numbers_do_not_fit_is_refused() -> None:
    """Bad input: a cap below the initial delay, and a factor below 1."""
    with pytest.raises(ValueError, match="initial_seconds <= cap_seconds"):
        Backoff(initial_seconds=2.0, cap_seconds=1.0)
    with pytest.raises(ValueError, match="factor must be 1 or more"):
        Backoff(factor=0.99)


@pytest.mark.parametrize("name", ["heartbeat_interval", "heartbeat_timeout", "connect_timeout"])
def test_a_duration_that_cannot_be_is_refused(name: str) -> None:
    """Bad input: a limit or an interval of 0 or less names the argument."""
    for value in OUT_OF_RANGE:
        with pytest.raises(ValueError, match=rf"^{name} "):
            WebSocketOptions(**{name: value})  # type: ignore[arg-type]  # all of them are numbers
    for wrong in (True, "20"):
        with pytest.raises(TypeError, match=rf"^{name} "):
            WebSocketOptions(**{name: wrong})  # type: ignore[arg-type]  # that is the point


def test_no_interval_means_no_heartbeat() -> None:
    """Bad input: None is none; it turns the heartbeat off."""
    assert WebSocketOptions(heartbeat_interval=None).heartbeat_interval is None


@pytest.mark.parametrize("name", ["max_queue", "max_queue_bytes"])
def test_a_bound_that_is_none_is_refused(name: str) -> None:
    """Bad input: a negative bound is a ValueError, a float or a bool a TypeError."""
    with pytest.raises(ValueError, match=rf"^{name} "):
        WebSocketOptions(**{name: -1})  # type: ignore[arg-type]  # an int for an int
    for wrong in (1.0, float("nan"), True, "1", None):
        with pytest.raises(TypeError, match=rf"^{name} "):
            WebSocketOptions(**{name: wrong})  # type: ignore[arg-type]  # that is the point


def test_a_queue_of_0_takes_nothing() -> None:
    """Bad input: 0 is a bound, and means that nothing waits."""
    scene = make_scene(ADDRESS, options=WebSocketOptions(max_queue=0))
    with pytest.raises(QueueFullError):
        scene.connection.send("x")
    assert scene.connection.queue_size == 0


@pytest.mark.parametrize("wrong", ["drop", "", "RAISE", None, 1])
def test_an_unknown_policy_is_refused_with_all_there_are(wrong: Any) -> None:
    """Bad input: the error about `overflow` lists the choices."""
    with pytest.raises((ValueError, TypeError)) as caught:
        WebSocketOptions(overflow=wrong)
    assert all(choice in str(caught.value) for choice in get_args(OverflowPolicy))


@pytest.mark.parametrize("wrong", ["some", "", "FULL", None, 1])
def test_an_unknown_jitter_is_refused_with_all_there_are(wrong: Any) -> None:
    """Bad input: the error about `jitter` lists the choices."""
    with pytest.raises((ValueError, TypeError), match="jitter") as caught:
        Backoff(jitter=wrong)
    assert all(choice in str(caught.value) for choice in get_args(Jitter))


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ({"X-Key": "a\r\nX-Evil: 1"}, ValueError),
        ({"X-Key": "a\n"}, ValueError),
        ({"X-Key\r\nX-Evil": "1"}, ValueError),
        ({"X-Key": 1}, TypeError),
        ({1: "x"}, TypeError),
        ({"X-Key": None}, TypeError),
        ("X-Key: 1", TypeError),
    ],
)
def test_headers_that_are_none_are_refused(headers: Any, kind: type[Exception]) -> None:
    """Bad input: line breaks and what is no text name the argument `headers`."""
    with pytest.raises(kind, match=r"^headers "):
        construct(headers=headers)


@pytest.mark.parametrize("protocols", ["json", b"json", "a, b"])
def test_one_text_is_no_sequence_of_protocols(protocols: Any) -> None:
    """Bad input: a text, which is a sequence of letters, names the argument `protocols`."""
    with pytest.raises(TypeError, match=r"^protocols .*not one text"):
        construct(protocols=protocols)


@pytest.mark.parametrize("message", ["\ud800", "ok \udfff"])
def test_a_text_without_a_utf_8_form_is_refused_by_send(message: str) -> None:
    """Bad input: a lone surrogate is a ValueError of `send`, and nothing is queued."""
    connection = construct()
    with pytest.raises(ValueError, match="surrogate"):
        connection.send(message)
    assert connection.queue_size == 0


@pytest.mark.parametrize("wrong", [0, -1.0, float("nan"), float("inf"), True, "1"])
def test_a_time_to_live_that_is_none_is_refused_by_send(wrong: Any) -> None:
    """Bad input: 0, negatives, NaN, bools and texts are refused, and nothing is queued."""
    connection = construct()
    with pytest.raises((TypeError, ValueError), match="ttl"):
        connection.send("x", ttl=wrong)
    assert connection.queue_size == 0


async def test_sending_after_the_end_of_the_store_is_an_error() -> None:
    """Bad input: `send` after closing raises, and nothing waits in silence."""
    scene = make_scene(ADDRESS, connects_at_once=False)
    async with scene.store:
        scene.connection.send("in time")
    with pytest.raises(StoreClosedError):
        scene.connection.send("too late")
    with pytest.raises(StoreClosedError):
        await scene.connection.send_when_room("too late")
    assert scene.connection.clear_queue() == ["in time"]


def test_the_guard_of_these_tests_can_fail() -> None:
    """An attempt to use the network would be noticed."""
    with socket.socket() as unused, pytest.raises(pytest.fail.Exception):
        unused.connect(("127.0.0.1", 9))
