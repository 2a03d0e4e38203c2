"""`play_page` finds what a page shows wrongly, and leaves what it shows rightly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.house.checkout import needs_sources
from tests.house.played_page import play_page

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = needs_sources

PROGRAM = """Text.

```python
print("log 0123456789abcdef in 0.5 s")
```

```text
{}
```
"""

SESSION = """```console
$ echo one; echo two
{}
$ echo three
three
```
"""


def test_what_is_shown_rightly_stays(tmp_path: Path) -> None:
    """A page whose outputs are those of now is played to itself."""
    page = PROGRAM.format("log 0123456789abcdef in 0.5 s") + SESSION.format("one\ntwo")
    assert play_page(page, tmp_path) == page


def test_what_always_differs_stays_as_shown(tmp_path: Path) -> None:
    """Ids and durations may be others than those that are shown."""
    page = PROGRAM.format("log fedcba9876543210 in 7.1 s")
    assert play_page(page, tmp_path) == page


@pytest.mark.parametrize("shown", ["log 0123456789abcdef in 5 s", "", "another text"])
def test_another_output_of_a_program_is_replaced(tmp_path: Path, shown: str) -> None:
    """What a program does not print is replaced by what it prints."""
    played = play_page(PROGRAM.format(shown), tmp_path)
    assert played == PROGRAM.format("log 0123456789abcdef in 0.5 s")


def test_another_output_of_a_command_is_replaced(tmp_path: Path) -> None:
    """Each command of a session has what it prints behind it."""
    assert play_page(SESSION.format("one"), tmp_path) == SESSION.format("one\ntwo")


def test_a_program_that_prints_gets_its_output(tmp_path: Path) -> None:
    """A program of which nothing is shown must not print."""
    played = play_page("```python\nprint(1)\n```\n", tmp_path)
    assert played == "```python\nprint(1)\n```\n\n```text\n1\n```\n"


def test_a_program_that_fails_is_an_error(tmp_path: Path) -> None:
    """An example that raises is no example; what it said is told."""
    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        play_page("```python\n1 / 0\n```\n", tmp_path)


def test_a_named_program_is_there_for_what_follows(tmp_path: Path) -> None:
    """A block that begins with a file's name is kept in that file, and is not run by itself."""
    page = (
        "```python\n# part.py\nONE = 1\n```\n\n```console\n$ cat part.py\n# part.py\nONE = 1\n```\n"
    )
    assert play_page(page, tmp_path) == page


def test_a_program_of_another_page_is_taken(tmp_path: Path) -> None:
    """A page can use what another one shows."""
    play_page("<!-- shop.py of timeline.md -->\n", tmp_path)
    assert (tmp_path / "shop.py").read_text(encoding="utf-8").startswith("# shop.py\n")


def test_a_command_for_ever_is_interrupted(tmp_path: Path) -> None:
    """It is read up to the line before ^C, then interrupted as by a terminal."""
    page = "```console\n$ echo one; exec tail -f /dev/null\none\n^C\n```\n"
    assert play_page(page, tmp_path) == page
