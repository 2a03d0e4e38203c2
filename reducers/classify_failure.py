"""Which failures are worth another attempt.

What belongs here: what a status or a close code says, and the policy that lists them.  What does
not: exceptions that settle it alone, such as a wrong certificate, which `describe_failure` knows;
and how long to wait, which `backoff_delay` and `retry_after` say.

Sources: RFC 6455, section 7.4 and the IANA registry "WebSocket Close Code Number" (close codes);
RFC 9110, section 15 (HTTP statuses).
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from itertools import combinations
from types import MappingProxyType
from typing import Final, Literal, cast

import attrs

from refold.actions.connection import LastError

__all__ = [
    "DEFAULT_POLICY",
    "Failure",
    "FailurePolicy",
    "Verdict",
    "classify_failure",
    "is_legal_close_code_on_the_wire",
]

_CODES_ON_THE_WIRE: Final = frozenset({*range(1000, 1015), *range(3000, 5000)} - {1004, 1005, 1006})

_NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})


class Verdict(enum.Enum):
    """What follows from a failure."""

    RETRY = "retry"
    """It may pass by itself: try again after the next delay."""

    AUTH = "auth"
    """The credentials are refused: refresh them and try again, or stop where nothing can."""

    FATAL = "fatal"
    """Another attempt would fail in the same way: stop."""


@attrs.frozen
class Failure:
    """Everything that is known of the end of an attempt or of a link."""

    phase: Literal["connecting", "open"]
    """Whether the link had been open."""

    error: LastError
    """What is told of it; it repeats no secret."""

    exception: BaseException | None = attrs.field(default=None, repr=False)
    """What was raised; None if nothing was.  Its text may hold an address or a token."""

    headers: Mapping[str, str] = attrs.field(default=_NO_HEADERS, repr=False)
    """Of the HTTP answer, found by names in any case, as in aiohttp's ``CIMultiDictProxy``; empty
    if there was no answer.  They may hold cookies."""

    attempt: int = attrs.field(kw_only=True)
    """Which attempt of the run this was, from 1."""

    uptime_seconds: float = 0.0
    """For how long the link was open; 0 if it never was."""

    reason: str = ""
    """The text that the peer closed with; empty if it gave none."""

    @property
    def http_status(self) -> int | None:
        """The status that the server refused the handshake with; None if it refused none."""
        return self.error.http_status

    @property
    def close_code(self) -> int | None:
        """The code that the link ended with; None if none was open."""
        return self.error.close_code


def _numbers_from(
    least: int, greatest: int
) -> Callable[[object, attrs.Attribute[frozenset[int]], object], None]:
    """Return a validator for a set of numbers, each within these bounds.

    It raises TypeError for what is no frozenset of ints, and ValueError for what is out of bounds.
    """

    def check(_policy: object, field: attrs.Attribute[frozenset[int]], value: object) -> None:
        is_set = isinstance(value, frozenset)
        for number in cast("frozenset[object]", value) if is_set else [None]:
            if isinstance(number, bool) or not isinstance(number, int):
                message = f"{field.name} must be a frozenset of ints, got {value!r}"
                raise TypeError(message)
            if not least <= number <= greatest:
                message = f"{field.name} must hold {least} to {greatest} only, got {number!r}"
                raise ValueError(message)

    return check


_HTTP_STATUSES: Final = _numbers_from(100, 999)
_CLOSE_CODES: Final = _numbers_from(1000, 4999)


@attrs.frozen(kw_only=True)
class FailurePolicy:
    """Which statuses and close codes stop a run; `refold.reducers.failure_presets` has more.

    Raises:
        TypeError: a value is no frozenset of ints.
        ValueError: a number is out of its range, or listed twice with two meanings.
    """

    fatal_http: frozenset[int] = attrs.field(
        default=frozenset({400, 404, 405, 410, 426}), validator=_HTTP_STATUSES
    )
    """Statuses that stop.  So does every other one of 100 to 499 that is not listed elsewhere."""

    retried_http: frozenset[int] = attrs.field(
        default=frozenset({101, 408, 425, 429}), validator=_HTTP_STATUSES
    )
    """Statuses that pass by themselves.  So does every other one of 500 and above, or below 100,
    that is not listed elsewhere: what is no status counts as a server's error.  101 is an upgrade
    whose other headers did not match."""

    auth_http: frozenset[int] = attrs.field(default=frozenset({401, 403}), validator=_HTTP_STATUSES)
    """Statuses that refuse the credentials."""

    fatal_close_codes: frozenset[int] = attrs.field(
        default=frozenset({1002, 1003, 1007, 1008, 1009, 1010}), validator=_CLOSE_CODES
    )
    """Close codes that stop: what was sent would be refused again.  1009 is one, because a message
    that is too large is so the next time, too."""

    auth_close_codes: frozenset[int] = attrs.field(
        default=frozenset({3000, 3003, 4401, 4403}), validator=_CLOSE_CODES
    )
    """Close codes that refuse the credentials.  A code that is not listed is retried."""

    def __attrs_post_init__(self) -> None:
        """Check that no number has two meanings."""
        for names in (
            ("fatal_http", "retried_http", "auth_http"),
            ("fatal_close_codes", "auth_close_codes"),
        ):
            for one, other in combinations(names, 2):
                both = sorted(getattr(self, one) & getattr(self, other))
                if both:
                    message = f"{one} and {other} both hold {both}; take each out of one of them"
                    raise ValueError(message)


DEFAULT_POLICY: Final = FailurePolicy()
"""For servers that use close codes as they are registered."""


def classify_failure(failure: Failure, policy: FailurePolicy = DEFAULT_POLICY) -> Verdict:
    """Return what follows from a failure.

    A status goes before a close code: where there was one, the link was never open.  A failure with
    neither is retried: a name that is not found may be there the next time.

    Args:
        failure: what is known; its exception is not looked at.
        policy: what each status and code means.
    """
    status, code = failure.http_status, failure.close_code
    if status is not None:
        return _classify_status(status, policy)
    if code in policy.auth_close_codes:
        return Verdict.AUTH
    return Verdict.FATAL if code in policy.fatal_close_codes else Verdict.RETRY


def is_legal_close_code_on_the_wire(code: int) -> bool:
    """Tell whether a peer may send this close code; any other is a protocol error, 1002.

    1004 means nothing, and 1005, 1006 and 1015 only say that there was no code.

    Source: RFC 6455, section 7.4.
    """
    return code in _CODES_ON_THE_WIRE


def _classify_status(status: int, policy: FailurePolicy) -> Verdict:
    if status in policy.auth_http:
        return Verdict.AUTH
    if status in policy.retried_http:
        return Verdict.RETRY
    is_ours = 100 <= status < 500  # noqa: PLR2004  # RFC 9110, section 15: the first digit's sense
    return Verdict.FATAL if is_ours or status in policy.fatal_http else Verdict.RETRY
