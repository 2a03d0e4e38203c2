"""`FileActionLog`: the engine for files keeps the contract of all engines.

What belongs here: the shared contract, with each way of syncing, with and without small segments.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from refold.errors import LogWriteError
from refold.replay.action_log import ActionLog, Keyframe, LogEntry
from refold.replay.log_file import FileActionLog
from refold.replay.log_options import LogOptions
from refold.replay.log_record import LogRecord
from refold.testing.action_log_contract import ACTION_LOG_CONTRACT, ActionLogCheck

OPTIONS = {
    "never": LogOptions(),
    "group": LogOptions(sync="group"),
    "always": LogOptions(sync="always"),
    "segments": LogOptions(segment_bytes=600),
    "compressed segments": LogOptions(segment_bytes=600, compress=True, sync="group"),
}


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("check", ACTION_LOG_CONTRACT, ids=lambda check: check.__name__)
async def test_the_engine_for_files_keeps_the_contract(
    tmp_path: Path, check: ActionLogCheck, options: str
) -> None:
    """Each check of the contract holds for a folder, however it is synced and cut."""

    async def open_log() -> ActionLog:
        return FileActionLog(tmp_path / "log", OPTIONS[options])

    await check(open_log)


async def test_a_damaged_keyframe_is_passed_over(tmp_path: Path) -> None:
    """A keyframe whose file was changed does not come back; the one before it does."""
    log = FileActionLog(tmp_path / "log")
    for seq in (1, 2):
        await log.append(make_entry(seq))
        await log.save_keyframe(Keyframe(seq, {"sum": seq}, "digest"))
    file = max((tmp_path / "log").glob("*.keyframe.json"))
    file.write_bytes(file.read_bytes().replace(b"2", b"3"))
    assert await log.latest_keyframe() == Keyframe(1, {"sum": 1}, "digest")
    await log.close()


async def test_a_closed_engine_refuses(tmp_path: Path) -> None:
    """After closing, an entry is refused, and another writer may open the log."""
    log = FileActionLog(tmp_path / "log")
    await log.close()
    with pytest.raises(LogWriteError, match="closed"):
        await log.append(make_entry(1))
    other = FileActionLog(tmp_path / "log")
    assert await other.append(make_entry(1)) == 1
    await other.close()


def make_entry(number: int) -> LogEntry:
    """Return an entry of one record."""
    return LogEntry((LogRecord(number, f"writer-{number}", "a/b", 1, None, None, "app", {}),))
