"""`classify_failure`: which failures are retried, blame the credentials, or end a connection."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refold.actions.connection import LastError
from refold.reducers.classify_failure import (
    DEFAULT_POLICY,
    Failure,
    FailurePolicy,
    Verdict,
    classify_failure,
    is_legal_close_code_on_the_wire,
)
from tests.connection.connection_strategies import last_errors

AUTH, FATAL, RETRY = Verdict.AUTH, Verdict.FATAL, Verdict.RETRY

HTTP_FIELDS = ("auth_http", "fatal_http", "retried_http")
CLOSE_CODE_FIELDS = ("auth_close_codes", "fatal_close_codes")

statuses = st.integers(100, 999)
close_codes = st.integers(1000, 4999)


def refusal(http_status: int) -> Failure:
    """Return the failure of a handshake that was answered with a status."""
    error = LastError("http", "WSServerHandshakeError", "refused", http_status=http_status)
    return Failure("connecting", error, attempt=1)


def closing(close_code: int) -> Failure:
    """Return the end of a link by a close code."""
    error = LastError("closed", "", "the peer closed", close_code=close_code)
    return Failure("open", error, attempt=1, uptime_seconds=3.5)


def as_they_are_written(status: int) -> Verdict:
    """Return what rule 23, rule 8 and RFC 9110 say of a status, spelled another way."""
    if status in {401, 403}:
        return AUTH
    if status in {101, 408, 425, 429}:
        return RETRY
    return FATAL if status // 100 in {1, 2, 3, 4} else RETRY


# --- the default policy ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "status", [100, 102, 200, 204, 299, 300, 301, 302, 307, 308, 399, 400, 404, 405, 410, 426]
)
def test_an_answer_that_would_be_the_same_again_is_fatal(status: int) -> None:
    """Rule 23: a success that is no upgrade, a redirect or a wrong request stops."""
    assert classify_failure(refusal(status)) is FATAL


@pytest.mark.parametrize("status", [101, 408, 425, 429, 500, 501, 502, 503, 504, 599])
def test_an_answer_that_passes_by_itself_is_retried(status: int) -> None:
    """Rule 23: a busy or broken server, and a handshake that did not match, are tried again."""
    assert classify_failure(refusal(status)) is RETRY


@pytest.mark.parametrize("status", [401, 403])
def test_an_answer_that_refuses_who_asks_blames_the_credentials(status: int) -> None:
    """Rule 8: 401 and 403 are answered by refreshing, not by giving up."""
    assert classify_failure(refusal(status)) is AUTH


@pytest.mark.parametrize("status", [-1, 0, 99, 600, 999])
def test_what_is_no_status_counts_as_the_servers_error(status: int) -> None:
    """Rule 23: a status outside 100 to 599 is retried like a 5xx (RFC 9110, section 15)."""
    assert classify_failure(refusal(status)) is RETRY


@given(status=st.integers(-10, 1100))
def test_every_status_has_the_verdict_that_the_rules_give_it(status: int) -> None:
    """Rule 23: there is no status without a verdict, and none with another one."""
    assert classify_failure(refusal(status)) is as_they_are_written(status)


@pytest.mark.parametrize("code", [1002, 1003, 1007, 1008, 1009, 1010])
def test_a_close_code_that_blames_what_was_sent_is_fatal(code: int) -> None:
    """Rule 24: the same messages would be refused again."""
    assert classify_failure(closing(code)) is FATAL


@pytest.mark.parametrize("code", [3000, 3003, 4401, 4403])
def test_a_close_code_that_refuses_who_asks_blames_the_credentials(code: int) -> None:
    """Rule 8: without new credentials the next attempt is refused, too."""
    assert classify_failure(closing(code)) is AUTH


@pytest.mark.parametrize(
    "code", [1000, 1001, 1005, 1006, 1011, 1012, 1013, 1014, 3001, 4000, 4400, 4999]
)
def test_every_other_close_code_is_retried(code: int) -> None:
    """Rule 24: restarts, overload, losses and codes of the application pass."""
    assert classify_failure(closing(code)) is RETRY


@given(code=close_codes)
def test_only_ten_close_codes_are_not_retried(code: int) -> None:
    """Rule 24: the six fatal ones and the four of rule 8; there is no other."""
    is_listed = code in {1002, 1003, 1007, 1008, 1009, 1010, 3000, 3003, 4401, 4403}
    assert (classify_failure(closing(code)) is not RETRY) == is_listed


def test_a_failure_without_status_or_code_is_retried() -> None:
    """Rule 25: a name that is not found or a refused connection may be there the next time."""
    error = LastError("connect", "ClientConnectorError", "Connection refused")
    assert classify_failure(Failure("connecting", error, attempt=7)) is RETRY


@given(status=statuses, code=close_codes)
def test_an_answer_from_http_goes_before_a_close_code(status: int, code: int) -> None:
    """Rule 23: where a failure had both, the link was never open, and the code says nothing."""
    both = LastError("http", "", "busy", close_code=code, http_status=status)
    verdict = classify_failure(Failure("connecting", both, attempt=1))
    assert verdict is classify_failure(refusal(status))


# --- a failure ------------------------------------------------------------------------------------


@given(error=last_errors, attempt=st.integers(1, 100_000), uptime=st.floats(0, 1e9))
def test_only_the_status_and_the_code_decide(error: LastError, attempt: int, uptime: float) -> None:
    """Rule 22: the rest is there for the application's own callback and changes no verdict."""
    plain = Failure("connecting", error, attempt=1)
    full = Failure(
        "open",
        error,
        exception=OSError("broken"),
        headers={"Retry-After": "5"},
        attempt=attempt,
        uptime_seconds=uptime,
        reason="go away",
    )
    assert classify_failure(full) is classify_failure(plain)


@given(error=last_errors)
def test_a_failure_shows_what_the_record_holds(error: LastError) -> None:
    """Rule 22: a callback finds the status and the close code by the rule's own names."""
    failure = Failure("open", error, attempt=2)
    assert failure.http_status == error.http_status
    assert failure.close_code == error.close_code


def test_a_failure_knows_nothing_that_it_was_not_told() -> None:
    """Rule 22: no exception, no headers, no reason, and a link that was never open."""
    failure = Failure("connecting", LastError("timeout", "", "too slow"), attempt=3)
    told = (failure.exception, dict(failure.headers), failure.reason, failure.uptime_seconds)
    assert told == (None, {}, "", 0.0)
    assert failure.attempt == 3


def test_the_text_of_a_failure_repeats_no_secret() -> None:
    """Rule 2: a callback that logs its failure shows no address, no token and no cookie."""
    error = LastError("connect", "OSError", "Connection refused")
    address, cookie = OSError("wss://me:hunter2@host"), {"Set-Cookie": "session=hunter2"}
    failure = Failure("connecting", error, exception=address, headers=cookie, attempt=1)
    assert "hunter2" not in repr(failure)
    assert "Connection refused" in repr(failure)


# --- a policy of one's own ------------------------------------------------------------------------


@given(status=statuses, other=statuses)
def test_a_policy_decides_for_every_status_that_it_lists(status: int, other: int) -> None:
    """Rule 23: the sets are defaults; a listed status has the meaning of its set."""
    empty: frozenset[int] = frozenset()
    for field, verdict in zip(HTTP_FIELDS, (AUTH, FATAL, RETRY), strict=True):
        sets = dict.fromkeys(HTTP_FIELDS, empty) | {field: frozenset({status})}
        policy = FailurePolicy(**sets)
        assert classify_failure(refusal(status), policy) is verdict
        if other != status:
            by_its_first_digit = FATAL if other < 500 else RETRY
            assert classify_failure(refusal(other), policy) is by_its_first_digit


@given(code=close_codes, other=close_codes)
def test_a_policy_decides_for_every_close_code_that_it_lists(code: int, other: int) -> None:
    """Rule 24: a listed code has the meaning of its set, and any other is retried."""
    empty: frozenset[int] = frozenset()
    for field, verdict in zip(CLOSE_CODE_FIELDS, (AUTH, FATAL), strict=True):
        sets = dict.fromkeys(CLOSE_CODE_FIELDS, empty) | {field: frozenset({code})}
        policy = FailurePolicy(**sets)
        assert classify_failure(closing(code), policy) is verdict
        assert classify_failure(closing(other), policy) is (verdict if other == code else RETRY)


def test_a_message_that_is_too_large_can_be_made_to_pass() -> None:
    """Section L: 1009 is fatal by default, because it repeats, and the override is one set."""
    fatal = DEFAULT_POLICY.fatal_close_codes - {1009}
    assert classify_failure(closing(1009), FailurePolicy(fatal_close_codes=fatal)) is RETRY


def test_the_default_policy_lists_what_the_rules_name() -> None:
    """Rules 8, 23 and 24: whoever takes a default and adds to it finds these numbers there."""
    listed = FailurePolicy(
        fatal_http=frozenset({400, 404, 405, 410, 426}),
        retried_http=frozenset({101, 408, 425, 429}),
        auth_http=frozenset({401, 403}),
        fatal_close_codes=frozenset({1002, 1003, 1007, 1008, 1009, 1010}),
        auth_close_codes=frozenset({3000, 3003, 4401, 4403}),
    )
    assert listed == DEFAULT_POLICY == FailurePolicy()


@pytest.mark.parametrize("field", [*HTTP_FIELDS, *CLOSE_CODE_FIELDS])
@pytest.mark.parametrize(
    "value",
    [None, 404, "404", [4004], {4004}, frozenset({"404"}), frozenset({True}), frozenset({4.5})],
)
def test_what_is_no_frozenset_of_ints_is_refused_by_name(field: str, value: Any) -> None:
    """Section L: a wrong type raises TypeError that names the argument and shows the value."""
    with pytest.raises(TypeError, match=rf"^{field} must be a frozenset of ints, got "):
        FailurePolicy(**{field: value})


@pytest.mark.parametrize("value", [-1, 0, 99, 1000, 4401])
@pytest.mark.parametrize("field", HTTP_FIELDS)
def test_a_number_that_is_no_http_status_is_refused_by_name(field: str, value: int) -> None:
    """Section L: a close code among the statuses is a mistake, and raises ValueError."""
    with pytest.raises(ValueError, match=rf"^{field} must hold 100 to 999 only, got {value}"):
        FailurePolicy(**{field: frozenset({value})})


@pytest.mark.parametrize("value", [-1, 0, 404, 999, 5000])
@pytest.mark.parametrize("field", CLOSE_CODE_FIELDS)
def test_a_number_that_is_no_close_code_is_refused_by_name(field: str, value: int) -> None:
    """Section L: a status among the close codes is a mistake, and raises ValueError."""
    with pytest.raises(ValueError, match=rf"^{field} must hold 1000 to 4999 only, got {value}"):
        FailurePolicy(**{field: frozenset({value})})


@pytest.mark.parametrize("number", [100, 999])
def test_the_least_and_the_greatest_status_are_taken(number: int) -> None:
    """Section L: any three digits that can stand in an answer can be listed."""
    assert FailurePolicy(fatal_http=frozenset({number})).fatal_http == {number}


@pytest.mark.parametrize("number", [1000, 4999])
def test_the_least_and_the_greatest_close_code_are_taken(number: int) -> None:
    """Section L: any code that can be recorded can be listed."""
    assert FailurePolicy(fatal_close_codes=frozenset({number})).fatal_close_codes == {number}


@pytest.mark.parametrize(
    ("wrong", "names"),
    [
        (
            {"retried_http": frozenset({404, 410, 503})},
            r"fatal_http and retried_http .*\[404, 410\]",
        ),
        ({"fatal_http": frozenset({401})}, r"fatal_http and auth_http .*\[401\]"),
        ({"auth_http": frozenset({429})}, r"retried_http and auth_http .*\[429\]"),
        ({"auth_close_codes": frozenset({1008})}, r"fatal_close_codes and auth_close_codes .*1008"),
    ],
)
def test_a_number_with_two_meanings_is_refused(
    wrong: dict[str, frozenset[int]], names: str
) -> None:
    """Section L: the error says which number stands in which two sets, and what to do."""
    with pytest.raises(ValueError, match=rf"^{names}.*take each out of one of them$"):
        FailurePolicy(**wrong)


def test_a_policy_can_be_changed_in_one_field() -> None:
    """Rule 23: whoever deploys behind a 404 retries it, and keeps the other defaults."""
    policy = attrs.evolve(
        DEFAULT_POLICY,
        fatal_http=DEFAULT_POLICY.fatal_http - {404},
        retried_http=DEFAULT_POLICY.retried_http | {404},
    )
    assert classify_failure(refusal(404), policy) is RETRY
    assert classify_failure(refusal(410), policy) is FATAL


# --- the shorter question, and codes on the wire --------------------------------------------------


@pytest.mark.parametrize("code", [1000, 1001, 1002, 1003, 1007, 1013, 1014, 3000, 4999])
def test_a_registered_or_private_close_code_may_be_sent(code: int) -> None:
    """Rule 24: 1000 to 1014 and 3000 to 4999 may stand on the wire."""
    assert is_legal_close_code_on_the_wire(code)


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535])
def test_a_code_that_no_frame_may_hold_is_a_protocol_error(code: int) -> None:
    """Rule 24: those that only say that there was no code, and those of no registry."""
    assert not is_legal_close_code_on_the_wire(code)


@given(code=st.integers(-1, 70_000))
def test_a_code_is_legal_in_two_ranges_without_three_numbers(code: int) -> None:
    """Rule 24: nothing beyond the two ranges, whatever a peer puts into its two bytes."""
    is_in_range = 1000 <= code <= 1014 or 3000 <= code <= 4999
    assert is_legal_close_code_on_the_wire(code) == (is_in_range and code not in {1004, 1005, 1006})
