"""`WebSocketTarget`: what can be dialled, and what is refused before anything is opened."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict
from yarl import URL

from refold.errors import ConnectionFatalError
from refold.middleware.websocket_target import ResolvedTarget, WebSocketTarget

URL_TEXT = "wss://hub.example:8443/feed?channel=1"
SECRET = "s3cret"  # noqa: S105  # looked for in messages


def make(url: Any = URL_TEXT, headers: Any = {}, protocols: Any = ()) -> WebSocketTarget:  # noqa: B006  # never changed
    """Return a target from unchecked types."""
    return WebSocketTarget(url, headers, protocols)


class Counting:
    """A factory that counts its calls."""

    def __init__(self, value: object) -> None:
        """Give this value each time."""
        self.value = value
        self.calls = 0

    def __call__(self) -> object:
        """Return the value."""
        self.calls += 1
        return self.value


class CountingLater(Counting):
    """The same, to be awaited."""

    async def __call__(self) -> object:
        """Return the value."""
        return super().__call__()


@pytest.mark.parametrize("url", [URL_TEXT, URL(URL_TEXT), "ws://[::1]:1/", "http://localhost"])
async def test_an_absolute_address_is_taken(url: str | URL) -> None:
    """As a text or as a URL, with any scheme that leads to a WebSocket."""
    target = await make(url, {"X-Key": "1"}, ["a", "b"]).resolve()
    assert target == ResolvedTarget(URL(url), {"X-Key": "1"}, ("a", "b"))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hub.example",
        "/feed",
        "//hub.example/feed",
        "hub.example:80",
        "user:s3cret@hub.example",
        "ws:///feed",
        "ws://",
        "ws://:80/",
        "ftp://hub.example/",
        "wss+x://hub.example/",
        "ws://hub.example:99999/",
        "ws://hub.example:0/",
        "ws://hub.example:port/",
        "ws://hub.example:-1/",
        "ws://[::1/",
        "ws://[s3cret]/",
        URL("/feed?token=s3cret"),
        URL("ftp://user:s3cret@hub.example/?token=s3cret"),
    ],
)
def test_an_address_that_cannot_be_dialled_is_refused(url: str | URL) -> None:
    """Relative, without a host, with another scheme or an impossible port: ValueError at once."""
    with pytest.raises(ValueError, match=r"^url (must be like ws://|cannot be parsed)") as caught:
        make(url)
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("url", [None, 1, b"ws://hub.example/", ["ws://hub.example/"]])
def test_an_address_of_another_type_is_refused(url: Any) -> None:
    """The error names the argument and the type."""
    with pytest.raises(TypeError, match=rf"^url must be .* got {type(url).__name__}$"):
        make(url)


@pytest.mark.parametrize("value", ["a\r\nX-Evil: s3cret", "s3cret\n", "\rs3cret", "\0", "\ud800"])
def test_a_header_value_of_several_lines_is_refused(value: str) -> None:
    """It would begin another header; the error names the header and keeps its value to itself."""
    with pytest.raises(ValueError, match=r"^headers must have values .* of X-Key$") as caught:
        make(headers={"X-Key": value})
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    "name", ["", "X-Key: s3cret\r\nX-Evil", "X Key", "X-Key:", "\u00e4", "s3cret "]
)
def test_a_header_name_that_is_none_is_refused(name: str) -> None:
    """A name is letters, digits and a few signs; the error does not repeat what it is not."""
    with pytest.raises(ValueError, match=r"^headers must have names of letters") as caught:
        make(headers={name: "1"})
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("headers", [None, "X-Key: 1", [("X-Key", "1")], {"X-Key": 1}, {1: "1"}])
def test_headers_of_another_type_are_refused(headers: Any) -> None:
    """Headers are a mapping of texts."""
    with pytest.raises(TypeError, match=r"^headers must "):
        make(headers=headers)


async def test_headers_may_repeat_a_name() -> None:
    """A multidict is a mapping, too, and arrives as it is."""
    headers = CIMultiDict([("X-Key", "1"), ("X-Key", "2")])
    assert (await make(headers=headers).resolve()).headers is headers


@pytest.mark.parametrize("protocols", ["json", b"json", None, 5, {"json"}, [1], iter(["json"])])
def test_protocols_that_are_no_sequence_of_texts_are_refused(protocols: Any) -> None:
    """One text is not a sequence of protocols, although it is one of letters."""
    with pytest.raises(TypeError, match=r"^protocols must be a sequence of texts"):
        make(protocols=protocols)


@pytest.mark.parametrize("protocols", [[""], ["a b"], ["a,b"], ["a\r\nX-Evil: 1"], ["a", "a"]])
def test_protocols_that_no_server_could_choose_are_refused(protocols: list[str]) -> None:
    """Each is a name, and none is offered twice."""
    with pytest.raises(ValueError, match=r"^protocols must be different names"):
        make(protocols=protocols)


@pytest.mark.parametrize("kind", [Counting, CountingLater])
async def test_each_factory_is_asked_once_per_attempt(kind: type[Counting]) -> None:
    """A sync or async function is called when an attempt begins, and never before."""
    url, headers, protocols = kind(URL_TEXT), kind({"X-Key": "1"}), kind(("json",))
    target = make(url, headers, protocols)
    assert [url.calls, headers.calls, protocols.calls] == [0, 0, 0]
    for attempt in (1, 2, 3):
        resolved = await target.resolve()
        assert resolved == ResolvedTarget(URL(URL_TEXT), {"X-Key": "1"}, ("json",))
        assert [url.calls, headers.calls, protocols.calls] == [attempt] * 3


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": lambda: "ftp://user:s3cret@hub.example/"},
        {"url": lambda: None},
        {"headers": lambda: {"X-Key": "s3cret\r\n"}},
        {"protocols": CountingLater("json")},
    ],
)
async def test_a_factory_that_gives_what_cannot_be_dialled_is_fatal(wrong: dict[str, Any]) -> None:
    """The same checks hold, and their error ends the connection with the argument's name."""
    (name,) = wrong
    with pytest.raises(ConnectionFatalError, match=rf"^{name} ") as caught:
        await make(**wrong).resolve()
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    "error", [OSError("no"), ValueError("no"), TypeError("no"), KeyError("no")]
)
async def test_a_factory_that_raises_is_not_taken_for_a_wrong_value(error: Exception) -> None:
    """Its own error goes through, so that it can be retried."""

    def fail() -> str:
        raise error

    with pytest.raises(type(error)) as caught:
        await make(fail).resolve()
    assert caught.value is error


async def test_what_may_be_private_is_known_and_not_shown() -> None:
    """User, password, query and header values, as given and as sent; the record hides them."""
    target = await make(
        "wss://us%40er:pass%3Aword@hub.example/?token=a%2Fb&plain=1",
        {"Authorization": "Bearer abc.def"},
    ).resolve()
    assert {
        "us@er",
        "us%40er",
        "pass:word",
        "pass%3Aword",
        "a/b",
        "Bearer abc.def",
        "abc.def",
    } <= set(target.secrets)
    assert all(target.secrets)
    assert not any(secret in repr(target) for secret in target.secrets if len(secret) > 1)


@given(st.text())
def test_any_text_is_an_address_or_refused_by_name(text: str) -> None:
    """No text, however odd, raises anything but the two errors of the documents."""
    try:
        make(text)
    except (TypeError, ValueError) as error:
        assert str(error).startswith("url ")  # noqa: PT017  # a text that can be dialled is fine


@pytest.mark.parametrize("name", ["Sec-WebSocket-Extensions", "sec-websocket-protocol"])
def test_headers_of_the_handshake_itself_are_refused(name: str) -> None:
    """What only the client that speaks the protocol may promise is not the application's to set."""
    with pytest.raises(ValueError, match=r"leave sec-websocket-.* to the handshake") as caught:
        WebSocketTarget("ws://127.0.0.1:1/", {name.lower(): "permessage-deflate"}, ())
    assert "permessage-deflate" not in str(caught.value)
