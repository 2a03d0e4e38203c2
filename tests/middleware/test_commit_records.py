"""`make_commit_records`: byte for byte the lines that records would be written as."""

from __future__ import annotations

import contextvars
import itertools
import zlib
from typing import TYPE_CHECKING, Any

import attrs
import orjson
from hypothesis import given
from hypothesis import strategies as st

from refold.middleware.commit_records import DIGEST_EVERY, CommitRecords, make_commit_records
from refold.middleware.record import record
from refold.replay.action_codec import encode_payload
from refold.replay.canonical_digest import state_digest
from refold.replay.fast_envelope import envelope_of
from refold.replay.log_record import LogRecord
from refold.replay.replay import replay
from refold.store.dispatch_context import (
    DispatchContext,
    current_dispatch_context,
    dispatching_as,
    handling,
)
from refold.store.store import Store
from refold.testing.fixed_inputs import fixed_inputs
from tests.strategies.log_lines import json_lines, raw_lines
from tests.strategies.observatory_actions import NobodyCares
from tests.strategies.observatory_reducer import make_observatory
from tests.strategies.observatory_states import START
from tests.strategies.observatory_strategies import actions, runs

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pytest

    from refold.actions.action import Action

contexts = st.builds(
    DispatchContext,
    st.sampled_from(["app", "service:clock", "listener:größe"]),
    st.none() | st.text(max_size=4),
)
commits = st.tuples(
    contexts | st.tuples(st.text(max_size=4), st.integers(1, 99)),  # what is answered, alone
    st.dictionaries(st.sampled_from(["now", "random"]), st.just([0.5]), max_size=1),
    st.lists(
        st.builds(attrs.evolve, actions, at_ms=st.none() | st.integers(0, 2**64 - 1)),
        min_size=1,
        max_size=3,
    ).map(tuple),
)


def record_of(  # noqa: PLR0913, PLR0917  # as a record has fields
    action: Action,
    seq: int,
    writer: str,
    context: DispatchContext,
    inputs: dict[str, Any] | None,
    digest: str | None,
) -> LogRecord:
    """Return the record of an action, by its constructor."""
    return LogRecord(
        seq=seq,
        id=f"{writer}-{seq}",
        name=action.wire_name,
        version=action.wire_version,
        at_ms=action.at_ms,
        cause=context.cause,
        origin=context.origin,
        payload=encode_payload(action),
        inputs=inputs,
        digest=digest,
    )


def said_by(
    records: CommitRecords, commit: tuple[Action, ...]
) -> tuple[list[dict[str, Any]], bytes]:
    """Return the envelopes of a commit, and the line they stand in."""
    head, text = contextvars.copy_context().run(records.commit, commit)
    line = text + b"}"
    value = orjson.loads(line)
    envelopes = value.get("actions", [value])
    assert head == records.head() == envelopes[-1]["seq"]
    return envelopes, line


def commit_in_context(
    records: CommitRecords, said: Any, drawn: Iterable[str], commit: tuple[Action, ...]
) -> tuple[DispatchContext, list[dict[str, Any]], bytes]:
    """Draw inputs and commit in answer to something; return the context, and as `said_by`."""
    inputs = fixed_inputs(now=0.5)
    inputs.note_draws()
    for source in drawn:
        inputs.now() if source == "now" else inputs.random()
    handling(said)
    context = current_dispatch_context()
    return context, *said_by(records, commit)


@given(run=st.lists(commits, min_size=1, max_size=6), is_digest_due=st.booleans())
def test_a_line_is_that_of_the_records(
    *, run: list[tuple[Any, dict[str, Any], tuple[Action, ...]]], is_digest_due: bool
) -> None:
    """Commit after commit, a line is what orjson makes of its records, byte for byte."""
    records = make_commit_records(0, lambda: START, is_digest_due=is_digest_due)
    head, digest = 0, state_digest(START) if is_digest_due else None
    for said, drawn, commit in run:
        context, found, line = contextvars.copy_context().run(
            commit_in_context, records, said, drawn, commit
        )
        assert context == (said if isinstance(said, DispatchContext) else context)
        writer = found[0]["id"].rpartition("-")[0]
        last = head + len(commit)
        made = [
            envelope_of(
                record_of(
                    action,
                    seq,
                    writer,
                    context,
                    found[0]["inputs"] if seq == head + 1 else None,
                    digest if seq == last else None,
                )
            )
            for seq, action in enumerate(commit, start=head + 1)
        ]
        assert line == orjson.dumps(made[0] if len(made) == 1 else {"actions": made})
        assert (found[0]["inputs"] or {}).keys() == drawn.keys()
        head, digest = last, None


def test_what_answers_a_commit_has_its_id_as_the_cause() -> None:
    """After a commit, the context is the id of its last record."""
    records = make_commit_records(7, lambda: START, is_digest_due=False)
    with dispatching_as("replaced at once"):
        _, text = records.commit((NobodyCares(), NobodyCares()))
        last = orjson.loads(text + b"}")["actions"][-1]["id"]
        assert current_dispatch_context() == DispatchContext(cause=last)
    assert last.endswith("-9")


def test_an_action_that_was_encoded_on_its_way_is_not_encoded_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The payload kept for an action is taken for that very action, and for no equal one."""
    records = make_commit_records(0, lambda: START, is_digest_due=False)
    action = NobodyCares(1.0)
    records.encode(action)

    def encode_anew(_: Action) -> bytes:
        return b'{"anew":1}'

    monkeypatch.setattr("refold.middleware.commit_records.encode_payload_text", encode_anew)
    assert said_by(records, (action,))[0][0]["payload"] == encode_payload(action)
    assert said_by(records, (NobodyCares(1.0),))[0][0]["payload"] == {"anew": 1}


def test_a_transaction_gets_its_digest_on_its_last_action() -> None:
    """A digest is of a present state, so one that falls due within a transaction waits."""
    records = make_commit_records(0, lambda: START, is_digest_due=False)
    for _ in range(1, DIGEST_EVERY):
        assert said_by(records, (NobodyCares(),))[0][0]["digest"] is None
    found, _ = said_by(records, (NobodyCares(), NobodyCares(), NobodyCares()))
    digests = [one["digest"] for one in found]
    assert digests == [None, None, state_digest(START)]
    assert not records.has_undigested()


@given(run=runs, sizes=st.lists(st.integers(1, 3), min_size=1, max_size=9))
def test_a_line_is_the_record_as_json_and_a_chained_checksum(
    tmp_path_factory: pytest.TempPathFactory, run: list[Action], sizes: list[int]
) -> None:
    """Every line, single or of a transaction, can be made again from the records that are read."""
    path = tmp_path_factory.mktemp("logs") / "run.jsonl"
    store = Store(make_observatory(), middleware=[record(path)])
    rest = iter(run)
    for size in itertools.cycle(sizes):
        commit = list(itertools.islice(rest, size))
        if not commit:
            break
        if len(commit) == 1:
            store.dispatch(commit[0])
            continue
        with store.transaction():
            for action in commit:
                store.dispatch(action)
    records = iter(replay(path, make_observatory()).records)
    header, *lines = raw_lines(path)
    checksum = int(json_lines(path)[0]["crc"], 16)
    assert zlib.crc32(header[: -len(b',"crc":"00000000"}\n')]) == checksum
    for line, said in zip(lines, json_lines(path)[1:], strict=True):
        value: dict[str, Any] = (
            {"actions": [envelope_of(next(records)) for _ in said["actions"]]}
            if "actions" in said
            else envelope_of(next(records))
        )
        body = orjson.dumps(value).removesuffix(b"}")
        checksum = zlib.crc32(body, checksum)
        assert line == body + f',"crc":"{checksum:08x}"}}\n'.encode()
