"""The pages in docs show what is true: their programs, commands, outputs and the diagram.

What belongs here: those pages.  What does not: what they speak of, which other tests hold; what
their blocks mean, which `played_page` says.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import pytest

from refold.commands.main import (
    _make_app,  # pyright: ignore[reportPrivateUsage]  # what run() parses by
)
from refold.reducers.reconnect_diagram import render_reconnect_diagram
from tests.house.checkout import CHECKOUT, needs_sources
from tests.house.played_page import play_page

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = needs_sources

PAGES: Final = sorted(
    path.name for path in (CHECKOUT / "docs").glob("*.md") if path.name != "golden.md"
)
"""The pages; that of golden sessions is played by `tests/commands/test_golden_page.py`."""

SHOWN: Final = re.compile(r"^\$ (?:.*&& )?refold (\w+)", re.MULTILINE)
"""A command that a page shows with its output."""

NAMED: Final = re.compile(r"`refold ([a-z]\w*)")
"""A command that a text names."""

LINK: Final = re.compile(r"\]\((?!https?:)([^)#]+)(#[^)]*)?\)")
"""A link to another file of the checkout."""


def text_of(page: str) -> str:
    """Return a page."""
    return (CHECKOUT / "docs" / page).read_text(encoding="utf-8")


def command_names() -> set[str]:
    """Return the names of refold's commands."""
    application = _make_app()
    return {name for name in application if not name.startswith("-")}


@pytest.mark.timeout(300)  # seconds: a page runs up to thirty commands, each a process
@pytest.mark.parametrize("page", PAGES)
def test_a_page_shows_what_happens(tmp_path: Path, page: str) -> None:
    """A reader who does what a page shows sees what it shows."""
    advice = f"if it is the page that is wrong: python -m tests.house.played_page docs/{page}"
    assert play_page(text_of(page), tmp_path) == text_of(page), advice


@pytest.mark.parametrize("page", PAGES)
def test_a_page_shows_code(page: str) -> None:
    """There is no page without something to run."""
    assert re.search("^```(python|console)$", text_of(page), flags=re.MULTILINE)


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    """Each file that a page links to is there."""
    prose = re.sub(r"^```.*?^```$|`[^`\n]+`", "", text_of(page), flags=re.MULTILINE | re.DOTALL)
    for found in LINK.finditer(prose):
        assert (CHECKOUT / "docs" / found[1]).exists(), found[0]


def test_each_command_has_its_section() -> None:
    """The page of the commands has all of them, each with an example that is run."""
    sections = re.split(r"^## `refold (\w+)`\n", text_of("commands.md"), flags=re.MULTILINE)
    shown = {
        name: set(SHOWN.findall(section))
        for name, section in zip(sections[1::2], sections[2::2], strict=True)
    }
    assert shown.keys() == command_names()
    assert all(name in commands for name, commands in shown.items())


@pytest.mark.parametrize("page", [*(f"docs/{page}" for page in PAGES), "README.md"])
def test_named_commands_are_there(page: str) -> None:
    """No page speaks of a command that refold does not have."""
    assert set(NAMED.findall((CHECKOUT / page).read_text(encoding="utf-8"))) <= command_names()


def test_the_readme_names_each_command() -> None:
    """Its table has every command, so that a reader knows what there is."""
    readme = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    assert set(NAMED.findall(readme)) == command_names()


def test_the_diagram_is_drawn_from_the_table() -> None:
    """The page's block is what `TRANSITIONS` gives now; replace it by this one if it differs."""
    assert f"```mermaid\n{render_reconnect_diagram()}\n```\n" in text_of("connection.md")
