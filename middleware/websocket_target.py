"""Where a connection dials to, and with what: values, or factories asked at each attempt."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias, TypeVar

import attrs
from yarl import URL

from refold.errors import ConnectionFatalError

__all__ = ["ResolvedTarget", "WebSocketTarget"]

T = TypeVar("T")

Factory: TypeAlias = Callable[[], T | Awaitable[T]]
"""Asked once per attempt, within its time limit."""

_SCHEMES: Final = frozenset({"ws", "wss", "http", "https"})


@attrs.frozen
class ResolvedTarget:
    """What one attempt uses."""

    url: URL
    headers: Mapping[str, str]
    protocols: tuple[str, ...]


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
    """A value that cannot be used; as a ValueError and TypeError it suits both callers."""


def checked_url(url: object) -> URL:
    """Return an absolute WebSocket address.

    Raises:
        ValueError: it is relative, has another scheme, or no host.
        TypeError: it is no text or URL.
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
    if parsed.scheme not in _SCHEMES or not parsed.host or port == 0:
        message = (
            f"url must be like ws://host:port/path, got scheme {parsed.scheme!r} and host"
            f" {parsed.host!r}"
        )
        raise _UnusableTargetError(message)
    return parsed


def _checked_headers(headers: Any) -> Mapping[str, str]:
    if not isinstance(headers, Mapping):
        message = f"headers must be a mapping of texts, got {type(headers).__name__}"
        raise _UnusableTargetError(message)
    for name, value in headers.items():
        if not (isinstance(name, str) and isinstance(value, str)):
            message = "headers must have texts as names and values"
            raise _UnusableTargetError(message)
        if any(character in name + value for character in "\r\n\0"):
            message = f"header {name!r} holds a line break"
            raise _UnusableTargetError(message)
    return headers


def _checked_protocols(protocols: Any) -> tuple[str, ...]:
    if isinstance(protocols, str) or not all(isinstance(name, str) for name in protocols):
        message = "protocols must be a sequence of texts, not one text: write ('name',)"
        raise _UnusableTargetError(message)
    return tuple(protocols)


async def _value_of(value: Any) -> Any:
    """Return a value, or what its factory gives."""
    if not callable(value):
        return value
    made = value()
    return await made if inspect.isawaitable(made) else made
