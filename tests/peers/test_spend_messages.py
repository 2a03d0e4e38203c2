"""The messages of spends: what is written is read again, and a stranger's bytes break nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyrsistent import pmap, pvector

from refold.actions.shared_wallets import SpendResponse, SpendSession
from refold.errors import PeerError
from refold.middleware.spend_messages import (
    PROPOSAL_KIND,
    RESPONSE_KIND,
    SpendAnswer,
    SpendMessageError,
    read_answer,
    read_proposal,
    write_answer,
    write_proposal,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    Reader = Callable[[bytes], object]

readers = st.sampled_from([read_proposal, read_answer])
texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=60)
whole_numbers = st.integers(0, 2**53)

sessions = st.builds(
    SpendSession,
    id=texts,
    wallet_id=texts,
    recipient=texts,
    amount_sats=st.integers(1, 2**53),
    proposer=texts,
    participants=st.lists(texts, min_size=1, max_size=6).map(pvector),
    created_at_ms=whole_numbers,
    expires_at_ms=whole_numbers,
)
answers = st.builds(
    SpendAnswer,
    session_id=texts,
    accepted=st.booleans(),
    reason=st.text(st.characters(codec="utf-8"), max_size=60),
)

USUAL_PROPOSAL: dict[str, Any] = json.loads(
    write_proposal(
        SpendSession("s1", "house", "lotus", 5, "ann", pvector(["ann", "bob"]), 1_000, 2_000)
    )
)
USUAL_ANSWER: dict[str, Any] = json.loads(
    write_answer(SpendAnswer(session_id="s1", accepted=False, reason="too much"))
)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@given(sessions)
def test_a_proposal_is_read_as_it_was_written(session: SpendSession) -> None:
    """Reading what was written is the identity."""
    assert read_proposal(write_proposal(session)) == session


@given(answers)
def test_an_answer_is_read_as_it_was_written(answer: SpendAnswer) -> None:
    """Reading what was written is the identity, for a yes and a no, with and without a reason."""
    assert read_answer(write_answer(answer)) == answer


@given(sessions, st.sampled_from(["accepted", "rejected", "expired"]))
def test_what_a_session_has_become_does_not_travel(session: SpendSession, status: Any) -> None:
    """A proposal begins without answers, whatever the proposer's state says of its session."""
    told = SpendSession(
        session.id,
        session.wallet_id,
        session.recipient,
        session.amount_sats,
        session.proposer,
        session.participants,
        session.created_at_ms,
        session.expires_at_ms,
        status,
        pmap({"bob": SpendResponse(accepted=True)}),
    )
    assert read_proposal(write_proposal(told)) == session


@given(readers, st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_in_one_way(reader: Reader, payload: bytes) -> None:
    """Any bytes either are a message or raise SpendMessageError, and nothing else."""
    _read_or_refused(reader, payload)


@given(readers, json_values)
def test_any_json_is_read_or_refused_in_one_way(reader: Reader, value: object) -> None:
    """So does any JSON, NaN and numbers without end included."""
    _read_or_refused(reader, json.dumps(value).encode())


@given(
    st.sampled_from([(read_proposal, USUAL_PROPOSAL), (read_answer, USUAL_ANSWER)]),
    st.data(),
    json_values,
)
def test_any_field_may_be_anything(
    reader_and_fields: tuple[Reader, dict[str, Any]], data: st.DataObject, value: object
) -> None:
    """So does a message that is right but for one field, which the error names."""
    reader, fields = reader_and_fields
    name = data.draw(st.sampled_from(sorted(fields)))
    payload = json.dumps({**fields, name: value}).encode()
    refused = _read_or_refused(reader, payload)
    # NaN and numbers of more than 64 bits are no JSON at all for its reader
    assert refused is None or name in refused or "JSON" in refused


@pytest.mark.parametrize("name", sorted(USUAL_PROPOSAL))
def test_a_proposal_has_every_field(name: str) -> None:
    """Without any one of its fields a proposal is none, and the error names the field."""
    fields = {**USUAL_PROPOSAL}
    del fields[name]
    with pytest.raises(SpendMessageError, match=name):
        read_proposal(json.dumps(fields).encode())


@pytest.mark.parametrize("name", sorted(USUAL_ANSWER))
def test_an_answer_has_every_field(name: str) -> None:
    """Without any one of its fields an answer is none, and the error names the field."""
    fields = {**USUAL_ANSWER}
    del fields[name]
    with pytest.raises(SpendMessageError, match=name):
        read_answer(json.dumps(fields).encode())


@pytest.mark.parametrize(
    ("reader", "fields"), [(read_proposal, USUAL_PROPOSAL), (read_answer, USUAL_ANSWER)]
)
def test_a_field_that_nobody_knows_is_refused(reader: Reader, fields: dict[str, Any]) -> None:
    """There is no room for a key, a nonce or a signature in a message."""
    payload = json.dumps({**fields, "secret_nonce": "00"}).encode()
    with pytest.raises(SpendMessageError, match="secret_nonce"):
        reader(payload)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("amount_sats", True),
        ("amount_sats", 5.0),
        ("amount_sats", "5"),
        ("amount_sats", 2**53 + 1),
        ("amount_sats", None),
        ("created_at_ms", False),
        ("expires_at_ms", 1.5),
        ("id", ""),
        ("id", 7),
        ("id", "x" * 100_000),
        ("wallet_id", None),
        ("recipient", ["lotus"]),
        ("proposer", {}),
        ("participants", "ann"),
        ("participants", {"ann": "bob"}),
        ("participants", ["ann", None]),
        ("participants", ["ann"] * 100_000),
    ],
)
def test_a_proposal_with_a_wrong_field_is_refused_and_the_field_is_named(
    name: str, value: object
) -> None:
    """Each field is of its own type, a bool is no number, and nothing is without bounds."""
    payload = json.dumps({**USUAL_PROPOSAL, name: value}).encode()
    with pytest.raises(SpendMessageError) as caught:
        read_proposal(payload)
    if len(payload) < 10_000:
        assert name in str(caught.value)
    assert len(str(caught.value)) < 2_000


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("accepted", 1),
        ("accepted", "yes"),
        ("accepted", None),
        ("reason", None),
        ("session_id", ""),
    ],
)
def test_an_answer_with_a_wrong_field_is_refused_and_the_field_is_named(
    name: str, value: object
) -> None:
    """Only true and false are answers, and a reason is a text."""
    with pytest.raises(SpendMessageError, match=name):
        read_answer(json.dumps({**USUAL_ANSWER, name: value}).encode())


@pytest.mark.parametrize("payload", [b"", b"\xff\xfe", b"[]", b"null", b"{", b"[" * 60_000])
@pytest.mark.parametrize("reader", [read_proposal, read_answer])
def test_what_is_no_object_is_refused(reader: Reader, payload: bytes) -> None:
    """Nothing, no text, no object, half of one, or one nested without end: it is no message."""
    with pytest.raises(SpendMessageError):
        reader(payload)


def test_the_error_is_one_of_peers() -> None:
    """Whoever catches PeerError or ValueError catches a message that is none."""
    assert issubclass(SpendMessageError, PeerError)
    assert issubclass(SpendMessageError, ValueError)


def test_the_kinds_are_those_on_the_wire() -> None:
    """Both ends must agree on the kinds, so they stay what they are."""
    assert (PROPOSAL_KIND, RESPONSE_KIND) == ("spend/proposal", "spend/response")


def _read_or_refused(reader: Reader, payload: bytes) -> str | None:
    """Return the error, None if the bytes were read; whatever is read can be written again."""
    try:
        read = reader(payload)
    except SpendMessageError as error:
        return str(error)
    assert isinstance(read, SpendSession | SpendAnswer)
    written = write_proposal(read) if isinstance(read, SpendSession) else write_answer(read)
    assert reader(written) == read
    return None
