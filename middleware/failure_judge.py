"""`FailureJudge`: whether another attempt is worth it, and how long the server wants no other.

What belongs here: asking the application, and what only an exception says.  What does not: the
rules for statuses and close codes, which `refold.reducers.classify_failure` has.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

import aiohttp
import attrs

from refold.middleware.describe_failure import is_fatal_error
from refold.reducers.classify_failure import (
    DEFAULT_POLICY,
    Failure,
    FailurePolicy,
    Verdict,
    classify_failure,
)
from refold.reducers.retry_after import parse_retry_after, retry_floor_seconds

__all__ = ["Classify", "FailureJudge", "Judgement", "headers_of_answer"]

Classify = Callable[[Failure], Verdict | None]
"""The application's own rule; None leaves a failure to the policy."""

_log = logging.getLogger("refold.websocket")


@attrs.frozen
class Judgement:
    """What the reconnect machine needs to know beside the error."""

    verdict: Verdict
    """Whether another attempt is worth it."""

    floor_seconds: float
    """No attempt before so long; 0 for no such wish."""


@attrs.frozen(kw_only=True)
class FailureJudge:
    """Judges every failure of one connection."""

    policy: FailurePolicy = DEFAULT_POLICY
    """What statuses and close codes mean."""

    classify: Classify | None = None
    """Asked first; None for nobody."""

    retry_after_max_seconds: float = 300.0
    """The longest wait that a server may ask for."""

    clock: Callable[[], float] = time.time
    """Seconds since the Unix epoch: a server may name a date."""

    def judge(self, failure: Failure) -> Judgement:
        """Return what is to be done about a failure."""
        wish = failure.headers.get("Retry-After")
        asked_for = None if wish is None else parse_retry_after(wish, self.clock())
        floor = retry_floor_seconds(failure.error, asked_for, self.retry_after_max_seconds)
        return Judgement(self._verdict(failure), floor)

    def _verdict(self, failure: Failure) -> Verdict:
        """Ask the application, then the exception, then the policy."""
        said: Any = None
        if self.classify is not None:
            try:
                said = self.classify(failure)
            except Exception:  # noqa: BLE001  # whatever it is, the connection goes on
                _log.exception("the classifier raised; the failure counts as one to retry")
                return Verdict.RETRY
        if said is not None and not isinstance(said, Verdict):
            _log.error("the classifier must return a Verdict or None, got %r", said)
            return Verdict.RETRY
        if said is not None:
            return said
        if failure.exception is not None and is_fatal_error(failure.exception):
            return Verdict.FATAL
        return classify_failure(failure, self.policy)


def headers_of_answer(error: BaseException) -> Mapping[str, str]:
    """Return the headers of an HTTP answer that refused the handshake; empty if there was none."""
    if isinstance(error, aiohttp.WSServerHandshakeError) and error.headers:
        return error.headers
    return {}
