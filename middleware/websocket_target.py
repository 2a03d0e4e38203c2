"""Where a connection dials to, and with what: values, or factories asked at each attempt."""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias, TypeVar, cast

import attrs
from yarl import URL

from refold.errors import ConnectionFatalError

__all__ = ["ResolvedTarget", "WebSocketTarget", "checked_url"]

T = TypeVar("T")

Factory: TypeAlias = Callable[[], T | Awaitable[T]]
"""Asked once per attempt, within its time limit."""

_SCHEMES: Final = frozenset({"ws", "wss", "http", "https"})

_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""What may name a header or a protocol (RFC 9110, section 5.6.2)."""

_NEVER_IN_A_HEADER: Final = re.compile("[\r\n\0\ud800-\udfff]")
"""Line breaks, which would begin another header, NUL, and what has no UTF-8 form."""


@attrs.frozen
class ResolvedTarget:
    """What one attempt uses."""

    url: URL = attrs.field(repr=False)
    """Absolute, with a scheme that can be dialled."""

    headers: Mapping[str, str] = attrs.field(repr=False)
    """Sent with the handshake."""

    protocols: tuple[str, ...]
    """Offered, in this order of preference."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """What may be private: user, password and query of the address, and header values.

        As they were given and as they are on the wire; of ``Bearer abc`` also ``abc`` alone.
        """
        url = self.url
        address = (url.user, url.raw_user, url.password, url.raw_password)
        query = (url.query_string, url.raw_query_string, *url.query.values())
        words = (word for value in self.headers.values() for word in (value, *value.split()))
        return tuple(dict.fromkeys(part for part in (*address, *query, *words) if part))


class WebSocketTarget:
    """An address, headers and protocols, each a value or a factory of one."""

    def __init__(
        self,
        url: str | URL | Factory[str | URL],
        headers: Mapping[str, str] | Factory[Mapping[str, str]],
        protocols: Sequence[str] | Factory[Sequence[str]],
    ) -> None:
        """Check the values that are known already.

        Raises:
            TypeError: one is of the wrong type.
            ValueError: the address cannot be dialled.
        """
        self._url = url if callable(url) else checked_url(url)
        self._headers = headers if callable(headers) else _checked_headers(headers)
        self._protocols = protocols if callable(protocols) else _checked_protocols(protocols)

    async def resolve(self) -> ResolvedTarget:
        """Return what the next attempt uses.

        Raises:
            ConnectionFatalError: a factory gave something that can never be dialled.
        """
        try:
            return ResolvedTarget(
                checked_url(await _value_of(self._url)),
                _checked_headers(await _value_of(self._headers)),
                _checked_protocols(await _value_of(self._protocols)),
            )
        except _UnusableTargetError as error:
            raise ConnectionFatalError(str(error)) from error


class _UnusableTargetError(ValueError, TypeError):
    """A value that cannot be used; of a factory's own errors it is told apart by its class.

    Its text is shown and recorded, so it names what is wrong and never repeats an address or the
    value of a header.
    """


def checked_url(url: object) -> URL:
    """Return an absolute WebSocket address.

    Raises:
        TypeError: it is no text and no URL.
        ValueError: it cannot be dialled.
    """
    if not isinstance(url, str | URL):
        message = f"url must be a str, a yarl.URL or a callable, got {type(url).__name__}"
        raise _UnusableTargetError(message)
    try:
        parsed = URL(url)
        port = parsed.port
    except ValueError as error:
        message = f"url cannot be parsed: {type(error).__name__}"
        raise _UnusableTargetError(message) from None
    if parsed.host and parsed.scheme in _SCHEMES and port != 0:
        return parsed
    if not parsed.host:
        problem = "it has no scheme and host"  # what stands before a colon may be a user's name
    elif port == 0:
        problem = "its port is 0"
    else:
        problem = f"its scheme is {parsed.scheme!r}"
    message = f"url must be like ws://host:port/path or wss://host/path, but {problem}"
    raise _UnusableTargetError(message)


def _checked_headers(headers: object) -> Mapping[str, str]:
    if not isinstance(headers, Mapping):
        message = f"headers must be a mapping of texts, got {type(headers).__name__}"
        raise _UnusableTargetError(message)
    given = cast("Mapping[object, object]", headers)
    for name, value in given.items():
        if not (isinstance(name, str) and isinstance(value, str)):
            message = "headers must have texts as names and values"
            raise _UnusableTargetError(message)
        if not _TOKEN.fullmatch(name):  # it may hold the value, too: do not repeat it
            message = "headers must have names of letters, digits and a few signs such as -"
            raise _UnusableTargetError(message)
        if name.lower().startswith("sec-websocket-"):
            message = f"headers must leave {name} to the handshake itself; use protocols= for those"
            raise _UnusableTargetError(message)
        if _NEVER_IN_A_HEADER.search(value):
            message = f"headers must have values of one line of text: see the value of {name}"
            raise _UnusableTargetError(message)
    return cast("Mapping[str, str]", headers)


def _checked_protocols(protocols: object) -> tuple[str, ...]:
    is_sequence = isinstance(protocols, Sequence) and not isinstance(protocols, str | bytes)
    given = tuple(cast("Sequence[object]", protocols)) if is_sequence else (None,)
    names = tuple(name for name in given if isinstance(name, str))
    if len(names) < len(given):
        message = "protocols must be a sequence of texts, not one text: write ('name',)"
        raise _UnusableTargetError(message)
    if len(set(names)) < len(names) or not all(_TOKEN.fullmatch(name) for name in names):
        message = "protocols must be different names of letters, digits and a few signs such as -"
        raise _UnusableTargetError(message)
    return names


async def _value_of(value: Any) -> Any:
    """Return a value, or what its factory gives."""
    if not callable(value):
        return value
    made = value()
    return await made if inspect.isawaitable(made) else made
