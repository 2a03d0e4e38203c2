"""`LineChain`: the end of a log that is being written, where the next line goes.

What belongs here: sealing lines, and handing them to a file one by one or many together.  What does
not: what the lines say, and which file they go to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import orjson

from refold.errors import LogWriteError
from refold.replay.checked_line import FIRST_CHECKSUM, seal_texts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from refold.replay.log_segment_file import SegmentFile

__all__ = ["CommitText", "LineChain"]

CommitText: TypeAlias = tuple[int, bytes]
"""The number of a commit's last record, and the JSON of its line without the closing brace."""


class LineChain:
    """The lines of one log, each sealed by a checksum that goes on from the line before."""

    file: SegmentFile
    """Where lines go."""

    def __init__(self, *, is_synced_by_line: bool) -> None:
        """Begin before the first line.

        Args:
            is_synced_by_line: whether each line is waited for until it is on disk.
        """
        self._is_synced_by_line = is_synced_by_line
        self.checksum = FIRST_CHECKSUM
        """Of the last line."""
        self.head = 0
        """The number of the last record; 0 before the first."""

    def begin_file(self, file: SegmentFile, header: dict[str, Any]) -> None:
        """Write the first line of another file, where the next lines go.

        Raises:
            LogWriteError: it could not be written; lines still go to the file before.
        """
        self.checksum = self._write(file, (self.text_of(header, file),), FIRST_CHECKSUM)
        self.file = file

    def append(self, line: dict[str, Any]) -> None:
        """Write a line that holds no record.

        Raises:
            LogWriteError: it could not be written; the log ends with the line before.
        """
        self.checksum = self._write(self.file, (self.text_of(line),), self.checksum)

    def append_commit(self, commit: CommitText) -> None:
        """Write the line of a commit.

        Raises:
            LogWriteError: it could not be written; the log ends with the line before.
        """
        head, text = commit
        self.checksum = self._write(self.file, (text,), self.checksum)
        self.head = head

    def append_commits(self, commits: list[CommitText]) -> None:
        """Write the lines of several commits in one go, and take them off the list.

        Raises:
            LogWriteError: not all could be written; the log ends with the last one that could, and
                the others are still on the list.
        """
        try:
            self.checksum = self._write(self.file, [text for _, text in commits], self.checksum)
        except LogWriteError:  # a disk that is nearly full may take some of them
            while commits:
                self.append_commit(commits[0])
                del commits[0]
        else:
            self.head = commits[-1][0]
            commits.clear()

    def text_of(self, line: dict[str, Any], file: SegmentFile | None = None) -> bytes:
        """Return the JSON of a line without its closing brace.

        Raises:
            LogWriteError: JSON cannot carry it.
        """
        try:
            return orjson.dumps(line)[:-1]
        except TypeError as error:
            raise self.failure(error, file) from error

    def failure(self, error: Exception, file: SegmentFile | None = None) -> LogWriteError:
        """Return the error for what could not be written after the last record."""
        message = (
            f"cannot write to {(file or self.file).path} after seq {self.head}: {error}; the"
            f" records before are whole"
        )
        return LogWriteError(message)

    def _write(self, file: SegmentFile, texts: Sequence[bytes], previous: int) -> int:
        """Write lines and return the last one's checksum."""
        size_bytes = file.size_bytes
        lines, checksum = seal_texts(texts, previous)
        try:
            file.write(lines)
            if self._is_synced_by_line:
                file.sync()
        except BaseException as error:  # an interrupt, too
            file.cut_back(size_bytes)
            if isinstance(error, OSError):
                raise self.failure(error, file) from error
            raise
        return checksum
