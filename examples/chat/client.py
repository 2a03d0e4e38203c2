"""A chat in the terminal: type a line, read what everybody says.

Run it:  python examples/chat/client.py --name desk
It needs examples/chat/server.py, and waits for it: what is typed meanwhile is kept and sent later.
Ctrl-D ends it once everything typed has arrived, Ctrl-C at once.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.control import Control
from rich.segment import ControlType
from rich.text import Text

from refold import RefoldError

if not __package__:  # started by its path: `examples` is found beside the README of the checkout
    sys.path.insert(0, str(Path(__file__).parents[2]))

from examples.chat.session import ChatSession, make_session
from examples.chat.state import select_messages
from examples.chat.status_line import select_status_line

if TYPE_CHECKING:
    from pyrsistent import PVector

    from examples.chat.state import Message

__all__ = ["ChatScreen", "talk"]

_LEAVE_WITHIN_SECONDS = 5.0
"""How long to wait at the end for what was typed to arrive."""

_NAME_COLOURS = ("cyan", "magenta", "yellow", "green", "blue")


class ChatScreen:
    """Prints what changes."""

    def __init__(self, console: Console) -> None:
        """Print on this console."""
        self._console = console

    def show_messages(self, known: PVector[Message], before: PVector[Message]) -> None:
        """Print the messages that are new."""
        for message in known[len(before) :]:
            colour = _NAME_COLOURS[sum(message.name.encode()) % len(_NAME_COLOURS)]
            self._console.print(Text.assemble((message.name, f"bold {colour}"), " ", message.text))

    def show_note(self, note: str) -> None:
        """Print what is no message, but about them."""
        self._console.print(Text(f"-- {note}", style="dim"))

    def erase_typed_line(self) -> None:
        """Make room for the message that the line becomes."""
        if self._console.is_terminal:
            erase = Control((ControlType.ERASE_IN_LINE, 2))
            self._console.control(Control.move(0, -1), erase)


async def talk(session: ChatSession, console: Console) -> int:
    """Say what is typed and show what arrives; return how many lines did not arrive."""
    screen = ChatScreen(console)
    lines = _typed_lines()
    async with session.store as store:
        store.subscribe(screen.show_messages, select=select_messages)
        store.subscribe(lambda note, _: screen.show_note(note), select=select_status_line)
        store.subscribe(
            lambda reason, _: lines.put_nowait(None) if reason == "fatal" else None,
            select=lambda state: state.connection.terminal_reason,
        )
        while (line := await lines.get()) is not None:
            screen.erase_typed_line()
            if not line.strip():
                continue
            try:
                session.say(line)
            except RefoldError as error:
                screen.show_note(f"not sent: {error}")
        lost = await session.connection.drain(_LEAVE_WITHIN_SECONDS)
    if lost:
        screen.show_note(f"{lost} of your lines did not arrive")
    return lost


def _typed_lines() -> asyncio.Queue[str | None]:
    """Return a queue of the lines of the standard input, with None at its end."""
    lines = asyncio.Queue[str | None]()
    loop = asyncio.get_running_loop()

    def read() -> None:  # in a thread that does not keep the program from ending
        # A file of its own: the interpreter ends badly while a thread reads sys.stdin itself.
        with suppress(RuntimeError), open(sys.stdin.fileno(), closefd=False) as typed:
            for line in typed:
                loop.call_soon_threadsafe(lines.put_nowait, line.rstrip("\n"))
            loop.call_soon_threadsafe(lines.put_nowait, None)

    threading.Thread(target=read, daemon=True).start()
    return lines


def main() -> None:
    """Read the command line and talk."""
    parser = argparse.ArgumentParser(description="Talk in a room.")
    parser.add_argument("--name", required=True, help="as whom to talk")
    parser.add_argument("--room", default="lobby", help="where to talk (%(default)s)")
    parser.add_argument("--url", default="ws://127.0.0.1:8702/", help="the server (%(default)s)")
    parser.add_argument("--record", type=Path, metavar="LOG", help="a new .jsonl file")
    options = parser.parse_args()
    try:
        session = make_session(options.url, options.room, options.name, options.record)
    except (RefoldError, ValueError) as error:
        parser.error(str(error))
    with suppress(KeyboardInterrupt):
        sys.exit(min(1, asyncio.run(talk(session, Console(highlight=False)))))


if __name__ == "__main__":
    main()
