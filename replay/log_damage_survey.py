"""`DamageSurvey`: what stands in a log behind damage, line by line.

What belongs here: telling lines that are what was written from those that are not.  What does not:
what can be made of them.

A line is proven whole by the checksum that the line before it states, even if that one is damaged
itself; only its end has to be left.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

import attrs

from refold.replay.checked_line import FIRST_CHECKSUM, LineDamageError, open_line
from refold.replay.log_segments import Segment, open_segment
from refold.replay.scalar_codec import json_object
from refold.replay.stated_checksum import stated_checksum

if TYPE_CHECKING:
    from collections.abc import Iterator

    from refold.errors import LogDamagedError

__all__ = ["DamageSurvey", "LostLines"]


@attrs.frozen(kw_only=True)
class LostLines:
    """Lines one after the other that are lost, all of them damaged or all of them whole."""

    segment: str
    """The file's name."""

    first_line: int
    """The number of the first of them; 1 is the header."""

    last_line: int
    """The number of the last of them; below `first_line` if they are not there at all."""

    first_seq: int | None
    """The number of the first record in them; None if there is no record in them."""

    last_seq: int | None
    """The number of the last record in them, by what stands behind; None if that is unknown."""

    is_whole: bool
    """Whether they are what was written, and only cannot be folded without what is missing."""

    reason: str
    """What is wrong with the first of them."""

    size_bytes: int
    """How much of them is there and can be read."""


class DamageSurvey:
    """Takes the files behind a log's whole beginning, in order."""

    def __init__(self, head: int) -> None:
        """Begin behind a record.

        Args:
            head: the number of the last record of the whole beginning.
        """
        self._reached = head
        self._lost: list[LostLines] = []

    def read(
        self,
        segment: Segment,
        offset: int = 0,
        line_number: int = 0,
        damage: LogDamagedError | None = None,
    ) -> None:
        """Look at the rest of a file.

        Args:
            segment: the file.
            offset: the bytes of it that are in the whole beginning.
            line_number: the lines of it that are.
            damage: what is wrong with the next line; None if that is not known.
        """
        name, previous = segment.path.name, FIRST_CHECKSUM if offset == 0 else None
        for number, line in enumerate(_lines(segment, offset), start=line_number + 1):
            if isinstance(line, str):
                self._add_damaged(name, number, b"", line)
                return
            try:
                value = _open(line, previous, None if offset == 0 else damage)
            except LineDamageError as error:
                self._add_damaged(name, number, line, str(error))
            else:
                if damage is not None:  # the header is whole, but does not follow
                    self._add_missing(name, damage.reason)
                self._add_whole(name, number, line, value)
            previous, damage = stated_checksum(line), None

    def finish(self) -> tuple[LostLines, ...]:
        """Return what was found."""
        return tuple(self._lost)

    def _add_whole(self, name: str, number: int, line: bytes, value: dict[str, Any]) -> None:
        first, last = _seqs_of(value)
        if first is not None:
            self._bound_what_is_lost_before(name, first)
        is_header = "refold_log" in value
        if first is not None and last is not None:
            self._reached = first - 1 if is_header else last
        seqs = (None, None) if is_header else (first, last)
        reason = "whole, but cannot be folded without what is lost before it"
        self._add(name, number, line, seqs, reason, is_whole=True)

    def _add_damaged(self, name: str, number: int, line: bytes, reason: str) -> None:
        first = None if number == 1 else self._reached + 1
        self._add(name, number, line, (first, None), reason, is_whole=False)

    def _add_missing(self, name: str, reason: str) -> None:
        """Say that lines are not there, before the first line of a file."""
        self._lost.append(
            LostLines(
                segment=name,
                first_line=1,
                last_line=0,
                first_seq=self._reached + 1,
                last_seq=None,
                is_whole=False,
                reason=reason,
                size_bytes=0,
            )
        )

    def _bound_what_is_lost_before(self, name: str, next_seq: int) -> None:
        """Say which records the damaged lines before a whole one had."""
        first, last = self._reached + 1, next_seq - 1
        if first <= last and (not self._lost or self._lost[-1].is_whole):
            self._add_missing(name, "the lines before it are missing")
        if self._lost and not self._lost[-1].is_whole:
            seqs = (first, last) if first <= last else (None, None)
            self._lost[-1] = attrs.evolve(self._lost[-1], first_seq=seqs[0], last_seq=seqs[1])

    def _add(  # noqa: PLR0913  # one line of a file
        self,
        name: str,
        number: int,
        line: bytes,
        seqs: tuple[int | None, int | None],
        reason: str,
        *,
        is_whole: bool,
    ) -> None:
        last = self._lost[-1] if self._lost else None
        is_same = last is not None and (last.segment, last.is_whole) == (name, is_whole)
        if last is not None and is_same and last.last_line == number - 1:
            self._lost[-1] = attrs.evolve(
                last,
                last_line=number,
                first_seq=last.first_seq or seqs[0],
                last_seq=seqs[1] or last.last_seq,
                size_bytes=last.size_bytes + len(line),
            )
            return
        self._lost.append(
            LostLines(
                segment=name,
                first_line=number,
                last_line=number,
                first_seq=seqs[0],
                last_seq=seqs[1],
                is_whole=is_whole,
                reason=reason,
                size_bytes=len(line),
            )
        )


def _lines(segment: Segment, offset: int) -> Iterator[bytes | str]:
    """Yield the lines of a file, and at last why it cannot be read on, if it cannot."""
    try:
        with open_segment(segment) as file:
            file.seek(offset)
            yield from file
    except (OSError, EOFError, zlib.error) as error:
        yield f"the file cannot be read on: {error}"


def _open(line: bytes, previous: int | None, damage: LogDamagedError | None) -> dict[str, Any]:
    if damage is not None:
        raise LineDamageError(damage.reason)
    if not line.endswith(b"\n"):
        reason = "the line is unfinished: its writer died in it"
        raise LineDamageError(reason)
    if previous is None:
        reason = "the line before it does not say its checksum, so this one cannot be proven"
        raise LineDamageError(reason)
    return open_line(line, previous)[0]


def _seqs_of(value: dict[str, Any]) -> tuple[int | None, int | None]:
    """Return the first and the last number in a line; of a header, that of the record after it."""
    if "refold_log" in value:
        first = value.get("first_seq", 1)
        return (first, first) if isinstance(first, int) else (None, None)
    if value.get("checkpoint") is True:
        return None, None
    actions: Any = value.get("actions", [value])
    found: list[Any] = [*actions] if isinstance(actions, list) else []
    numbers = [seq for one in found if isinstance(seq := json_object(one).get("seq"), int)]
    return (numbers[0], numbers[-1]) if numbers else (None, None)
