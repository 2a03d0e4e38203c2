"""`play_page`: a page of docs as it would be if its programs and commands were run now.

What belongs here: what a block of a page means, and running it.  What does not: which pages there
are.  To bring the outputs in a page up to date: ``python -m tests.house.played_page PAGE...``.

A ``python`` block whose first line is a comment with a file's name is kept in that file, any other
in ``example.py``.  It is run if there is no name, or if the ``text`` block that it prints follows.
A ``console`` block has commands behind ``$``, each followed by what it prints on 80 columns; ``^C``
stands where a command that goes on for ever is interrupted.  All blocks of a page share a folder,
which is empty at first, but for what ``<!-- NAME.py of PAGE.md -->`` takes from another page.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.house.checkout import CHECKOUT

__all__ = ["play_page"]

_BLOCK: Final = re.compile(
    r"^```python\n(?P<code>.*?)^```\n(?:\n```text\n(?P<printed>.*?)^```\n)?"
    r"|^```console\n(?P<session>.*?)^```\n"
    r"|^<!-- (?P<file>[\w.]+) of (?P<page>[\w.]+) -->\n",
    re.MULTILINE | re.DOTALL,
)

_NAME: Final = re.compile(r"# ([\w/]+\.py)\n")

_UNNAMED: Final = "example.py"

_COMMAND: Final = re.compile(r"^\$ (?P<command>.*\n)(?P<printed>(?:(?!\$ ).*\n)*)", re.MULTILINE)

_DURATION: Final = re.compile(r"\bin \d+\.\d\ds\b")
"""What pytest took: on a busy machine the number is longer, too."""

_SLOW_STEP: Final = re.compile(r"^Executing <.* took \d+\.\d+ seconds\n", re.MULTILINE)
"""asyncio's remark, in development mode, that the machine is busy."""

_VARYING: Final = re.compile(
    r"\b(?:[0-9a-f]{16}|[0-9a-f]{8}(?=-\d))\b|(?<=\"crc\": \")[0-9a-f]{8}|\d+\.\d+ ?s\b"
    r"|12D3KooW\w{44}|(?<=/tcp/)\d{5}|(?<=127\.0\.0\.1:)\d{5}"
)
"""What differs from run to run: ids of logs, writers and peers, ports that were free, and how long
something took."""


def play_page(page: str, folder: Path) -> str:
    """Return a page with the outputs that its blocks have now.

    Args:
        page: the page's text.
        folder: where its blocks are run; it is empty.

    Raises:
        AssertionError: a program of the page failed.
    """

    def play(found: re.Match[str]) -> str:
        if found["page"] is not None:
            code = _program(CHECKOUT / "docs" / found["page"], found["file"])
            (folder / found["file"]).write_text(code, encoding="utf-8")
            return found[0]
        if found["session"] is not None:
            return f"```console\n{_play_session(found['session'], folder)}```\n"
        return _play_program(found, folder)

    return _BLOCK.sub(play, page)


def _program(page: Path, name: str) -> str:
    """Return the first program of this name in a page."""
    text = page.read_text(encoding="utf-8")
    codes = [found["code"] for found in _BLOCK.finditer(text) if found["code"] is not None]
    return next(code for code in codes if _name_of(code) == name)


def _name_of(code: str) -> str:
    named = _NAME.match(code)
    return named[1] if named else _UNNAMED


def _play_program(found: re.Match[str], folder: Path) -> str:
    code, shown = found["code"], found["printed"]
    path = folder / _name_of(code)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(code, encoding="utf-8")
    if path.name != _UNNAMED and shown is None:
        return found[0]
    done = _run([sys.executable, "-X", "dev", "-W", "error", str(path)], folder)
    assert done.returncode == 0, done.stdout
    printed = _SLOW_STEP.sub("", done.stdout)
    if shown is None and not printed:
        return found[0]
    return f"```python\n{code}```\n\n```text\n{_as_shown(shown or '', printed)}```\n"


def _play_session(session: str, folder: Path) -> str:
    def play(found: re.Match[str]) -> str:
        shown, interrupt, _ = found["printed"].partition("^C\n")
        command = ["/bin/sh", "-c", found["command"]]
        if interrupt:
            stdout = _run_and_interrupt(command, folder, len(shown.splitlines()))
        else:
            stdout = _run(command, folder).stdout
        printed = "".join(f"{line.rstrip()}\n" for line in stdout.splitlines())
        return f"$ {found['command']}{_as_shown(found['printed'], printed)}"

    return _COMMAND.sub(play, session)


def _run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=folder,
        env=_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        check=False,
    )


def _run_and_interrupt(command: list[str], folder: Path, line_count: int) -> str:
    """Return what a command prints, with ``^C`` after so many lines."""
    with subprocess.Popen(
        command,
        cwd=folder,
        env=_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        start_new_session=True,  # a group of its own, as in a terminal
    ) as running:
        assert running.stdout is not None
        before = [running.stdout.readline() for _ in range(line_count)]
        os.killpg(running.pid, signal.SIGINT)
        return "".join([*before, "^C\n", *running.stdout])


def _environment() -> dict[str, str]:
    here = str(Path(sys.executable).parent)
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([here, os.environ.get("PATH", os.defpath)]),
        "COLUMNS": "80",
        "NO_COLOR": "1",
        "PYTHONUNBUFFERED": "1",  # else what goes wrong is told before what went well
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # which ones a reader has, nobody knows
        "PYTEST_ADDOPTS": "-p refold",  # refold's own, every reader has
    }
    for name in ("REFOLD_APP", "CI", "BUILD_NUMBER"):  # with the latter pytest shortens no line
        environment.pop(name, None)
    return environment


def _as_shown(shown: str, printed: str) -> str:
    """Return what was shown if it differs from what is printed only in what always differs."""
    return shown if _masked(shown) == _masked(printed) else printed


def _masked(text: str) -> str:
    mask: Callable[[re.Match[str]], str] = lambda found: re.sub(r"\w", "?", found[0])  # noqa: E731
    return _VARYING.sub(mask, _DURATION.sub("in ?s", text))


def _rewrite(pages: list[str]) -> None:
    for page in map(Path, pages):
        with tempfile.TemporaryDirectory() as folder:
            played = play_page(page.read_text(encoding="utf-8"), Path(folder))
        page.write_text(played, encoding="utf-8")


if __name__ == "__main__":
    _rewrite(sys.argv[1:])
