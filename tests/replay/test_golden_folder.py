"""Which logs a folder holds, and which accepted files have none."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from refold.replay.golden_folder import find_sessions, find_stale, golden_path
from refold.replay.log_segments import segment_name

LOGS = ["a.jsonl", "a.jsonl.gz", f"a/{segment_name(1)}", "b/c.jsonl"]


def touch(path: Path) -> Path:
    """Make an empty file and the folders around it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def test_files_compressed_files_and_folders_are_sessions(tmp_path: Path) -> None:
    """All logs below a folder are found, in the order of their paths; what is in one is not."""
    for name in ("z.jsonl", "a/b/c.jsonl.gz", f"m/{segment_name(1)}", f"a/n/{segment_name(9)}.gz"):
        touch(tmp_path / name)
    for name in ("readme.md", "z.jsonl.lock", "z.jsonl.golden.json", ".git/x.jsonl", "m/1.frame"):
        touch(tmp_path / name)
    found = [path.relative_to(tmp_path).as_posix() for path in find_sessions(tmp_path)]
    assert found == ["a/b/c.jsonl.gz", "a/n", "m", "z.jsonl"]


def test_a_log_is_its_own_only_session(tmp_path: Path) -> None:
    """A file or folder that is itself a log may be given in the place of a folder of logs."""
    touch(tmp_path / "m" / segment_name(1))
    for log in (touch(tmp_path / "z.jsonl"), tmp_path / "m"):
        assert find_sessions(log) == [log]
        assert find_stale(log) == []


def test_a_circle_of_links_ends(tmp_path: Path) -> None:
    """A link to a folder is not followed."""
    log = touch(tmp_path / "a" / "z.jsonl")
    (tmp_path / "a" / "loop").symlink_to(tmp_path, target_is_directory=True)
    assert find_sessions(tmp_path) == [log]


@given(st.sets(st.sampled_from(LOGS)), st.sets(st.sampled_from(LOGS)))
def test_an_accepted_file_without_its_log_is_stale(accepted: set[str], kept: set[str]) -> None:
    """Exactly the accepted files whose own log is gone are found, in order."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for log in kept:
            touch(folder / log)
        for log in accepted:
            touch(golden_path(_log_at(folder / log)))
        found = [path.relative_to(folder).as_posix() for path in find_stale(folder)]
    gone = [_log_at(Path(log)).as_posix() for log in accepted - kept]
    assert found == sorted(f"{log}.golden.json" for log in gone)


def _log_at(path: Path) -> Path:
    """Return the path of the log that a file is of: the folder, if it is a segment."""
    return path.parent if path.name == segment_name(1) else path
