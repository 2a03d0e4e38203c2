"""`CommitRecords` and the line it ends up in: byte for byte what a record would be written as."""

from __future__ import annotations

import itertools
import zlib
from typing import TYPE_CHECKING

import orjson
from hypothesis import given
from hypothesis import strategies as st

from refold.middleware.commit_records import DIGEST_EVERY, CommitRecords
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
from tests.strategies.log_lines import json_lines, raw_lines
from tests.strategies.observatory_actions import NobodyCares, SessionEnded
from tests.strategies.observatory_reducer import make_observatory
from tests.strategies.observatory_states import START
from tests.strategies.observatory_strategies import actions, runs

if TYPE_CHECKING:
    from typing import Any

    import pytest

    from refold.actions.action import Action

contexts = st.builds(
    DispatchContext,
    st.sampled_from(["app", "service:clock", "listener:größe"]),
    st.none() | st.text(max_size=4),
)
commits = st.tuples(
    contexts | st.text(max_size=4),  # the cause alone
    st.lists(actions, min_size=1, max_size=3).map(tuple),
)


def record_of(
    action: Action, seq: int, writer: str, context: DispatchContext, digest: str | None
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
        inputs=None,
        digest=digest,
    )


@given(run=st.lists(commits, min_size=1, max_size=6), is_digest_due=st.booleans())
def test_envelopes_are_those_of_records(
    *, run: list[tuple[DispatchContext | str, tuple[Action, ...]]], is_digest_due: bool
) -> None:
    """Commit after commit, an envelope is as that of a record, key by key in the same order."""
    records = CommitRecords(lambda: START, is_digest_due=is_digest_due)
    head, digest = 0, state_digest(START) if is_digest_due else None
    for said, commit in run:
        with dispatching_as("replaced at once"):
            handling(said)
            context = current_dispatch_context()
            found = (
                [records.envelope(head + 1, commit[0])]
                if len(commit) == 1
                else records.envelopes(head, commit)
            )
        assert context == (DispatchContext(cause=said) if isinstance(said, str) else said)
        writer = found[0]["id"].rpartition("-")[0]
        last = head + len(commit)
        for seq, (envelope, action) in enumerate(zip(found, commit, strict=True), start=head + 1):
            made = record_of(action, seq, writer, context, digest if seq == last else None)
            assert orjson.dumps(envelope) == orjson.dumps(envelope_of(made))
        head, digest = last, None


def test_an_action_that_was_encoded_on_its_way_is_not_encoded_again() -> None:
    """The payload kept for an action is taken for that very action, and for no equal one."""
    records = CommitRecords(lambda: START, is_digest_due=False)
    action = NobodyCares(1.0)
    kept = encode_payload(action)
    records.encoded = action, kept
    assert records.envelope(1, action)["payload"] is kept
    assert records.envelope(2, NobodyCares(1.0))["payload"] == kept
    assert records.envelope(3, SessionEnded())["payload"] == {}


def test_a_transaction_gets_its_digest_on_its_last_action() -> None:
    """A digest is of a present state, so one that falls due within a transaction waits."""
    records = CommitRecords(lambda: START, is_digest_due=False)
    for seq in range(1, DIGEST_EVERY):
        assert records.envelope(seq, NobodyCares())["digest"] is None
    found = records.envelopes(DIGEST_EVERY - 1, (NobodyCares(), NobodyCares(), NobodyCares()))
    digests = [one["digest"] for one in found]
    assert digests == [None, None, state_digest(START)]
    assert not records.has_undigested


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
