"""`is_fatal`: which HTTP statuses and close codes end a connection."""

from __future__ import annotations

import pytest

from refold.actions.connection import LastError
from refold.reducers.classify_failure import is_fatal


def refusal(http_status: int) -> LastError:
    """Return the failure of a handshake that was answered with a status."""
    return LastError("http", "WSServerHandshakeError", "refused", http_status=http_status)


def closing(close_code: int) -> LastError:
    """Return the end of a link by a close code."""
    return LastError("closed", "", "the peer closed", close_code=close_code)


@pytest.mark.parametrize(
    "status", [200, 204, 301, 302, 307, 308, 400, 401, 403, 404, 405, 410, 426]
)
def test_an_answer_that_would_be_the_same_again_is_fatal(status: int) -> None:
    """A success that is no upgrade, a redirect, a refusal: asking again changes nothing."""
    assert is_fatal(refusal(status))


@pytest.mark.parametrize("status", [101, 408, 425, 429, 500, 502, 503, 504, 599])
def test_an_answer_that_passes_by_itself_is_retried(status: int) -> None:
    """A busy or broken server, and a handshake that did not match."""
    assert not is_fatal(refusal(status))


@pytest.mark.parametrize("code", [1002, 1003, 1007, 1008, 1009, 1010])
def test_a_close_code_that_blames_what_was_sent_is_fatal(code: int) -> None:
    """The same messages would be refused again."""
    assert is_fatal(closing(code))


@pytest.mark.parametrize("code", [3000, 3003, 4401, 4403])
def test_a_close_code_that_refuses_who_asks_is_fatal(code: int) -> None:
    """Without new credentials the next attempt is refused, too."""
    assert is_fatal(closing(code))


@pytest.mark.parametrize("code", [1000, 1001, 1005, 1006, 1011, 1012, 1013, 1014, 3001, 4000, 4999])
def test_every_other_close_code_is_retried(code: int) -> None:
    """Restarts, overload, losses and codes of the application."""
    assert not is_fatal(closing(code))


def test_a_failure_without_status_or_code_is_retried() -> None:
    """A name that is not found or a refused connection may be there the next time."""
    assert not is_fatal(LastError("connect", "ClientConnectorError", "Connection refused"))


def test_an_answer_from_http_goes_before_a_close_code() -> None:
    """Where a failure had both, the link was never open."""
    assert not is_fatal(LastError("http", "", "busy", close_code=1008, http_status=503))
