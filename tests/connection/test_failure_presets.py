"""The presets of `failure_presets`: what each protocol says of its close codes."""

from __future__ import annotations

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
)
from refold.reducers.failure_presets import CENTRIFUGO, GRAPHQL_WS

AUTH, FATAL, RETRY = Verdict.AUTH, Verdict.FATAL, Verdict.RETRY


def verdict(close_code: int, policy: FailurePolicy) -> Verdict:
    """Return what follows from a close code."""
    error = LastError("closed", "", "the peer closed", close_code=close_code)
    return classify_failure(Failure("open", error, attempt=1), policy)


@pytest.mark.parametrize("code", [4004, 4005, 4400, 4401, 4406, 4409, 4429, 4500])
def test_graphql_stops_where_the_client_is_at_fault(code: int) -> None:
    """Rule 24: a client that would do the same again is told to stop."""
    assert verdict(code, GRAPHQL_WS) is FATAL


@pytest.mark.parametrize("code", [3000, 3003, 4403])
def test_graphql_blames_the_credentials_where_it_forbids(code: int) -> None:
    """Rule 8: 4403 is how a server of this protocol refuses who asks; 4401 is not."""
    assert verdict(code, GRAPHQL_WS) is AUTH


@pytest.mark.parametrize("code", [4000, 4402, 4408, 4499, 4501, 4504, 4999])
def test_graphql_retries_what_may_be_faster_the_next_time(code: int) -> None:
    """Rule 24: a slow initialisation, and every code that the protocol does not name."""
    assert verdict(code, GRAPHQL_WS) is RETRY


@pytest.mark.parametrize("code", [3500, 3501, 3509, 3999, 4500, 4999])
def test_centrifugo_stops_at_its_terminal_codes(code: int) -> None:
    """Rule 24: the upper half of each thousand says not to come back."""
    assert verdict(code, CENTRIFUGO) is FATAL


@pytest.mark.parametrize("code", [3000, 3001, 3003, 3012, 3499, 4000, 4401, 4403, 4499])
def test_centrifugo_comes_back_after_all_others(code: int) -> None:
    """Rule 24: the lower half of each thousand passes, also where others mean credentials."""
    assert verdict(code, CENTRIFUGO) is RETRY


@given(code=st.integers(3000, 4999))
def test_centrifugo_has_two_verdicts(code: int) -> None:
    """Rule 24: the third digit's half decides over every code from 3000 to 4999."""
    assert verdict(code, CENTRIFUGO) is (FATAL if code % 1000 >= 500 else RETRY)


@pytest.mark.parametrize("policy", [CENTRIFUGO, GRAPHQL_WS])
@given(code=st.integers(1000, 2999))
def test_a_preset_leaves_the_registered_codes_alone(policy: FailurePolicy, code: int) -> None:
    """Rule 24: below 3000 a preset says what the default says."""
    assert verdict(code, policy) is verdict(code, DEFAULT_POLICY)


@pytest.mark.parametrize("policy", [CENTRIFUGO, GRAPHQL_WS])
def test_a_preset_leaves_http_alone(policy: FailurePolicy) -> None:
    """Rule 23: before the link is open no protocol of its own is spoken."""
    codes = {"auth_close_codes", "fatal_close_codes"}
    default = attrs.asdict(DEFAULT_POLICY)
    changed = {name for name, value in attrs.asdict(policy).items() if value != default[name]}
    assert changed == codes
