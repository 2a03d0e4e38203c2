"""A to-do list in the terminal, kept in the log of its actions; undo works across runs.

Run it:  python examples/todo/todo.py add "water the plants"
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from refold import Action, Redo, Store, Undo, hydrate, record, timestamps

if not __package__:  # started by its path: `examples` is found beside the README of the checkout
    sys.path.insert(0, str(Path(__file__).parents[2]))

from examples.todo.state import (
    Root,
    TodoAdded,
    TodoDone,
    TodoEdited,
    TodoRemoved,
    root,
    select_open,
    select_todos,
)

__all__ = ["main"]


async def main(arguments: list[str]) -> int:
    """Do what the arguments say, and show the list."""
    wish = _read_arguments(arguments)
    log = Path(wish.log)
    hydrated = hydrate(log, root)
    middleware = [timestamps(), record(log, resume=True, sync="always")]
    async with Store(root, state=hydrated.state, middleware=middleware) as store:
        before = store.state
        if wish.what != "list":
            store.dispatch(_action_of(wish))
        print(*_lines(store.state), sep="\n")
        if wish.what != "list" and store.state is before:
            print("nothing changed", file=sys.stderr)
            return 1
    return 0


def _read_arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="todo.py", description="A list of what is to be done.")
    parser.add_argument("--log", default="todo.jsonl", help="where it is kept (todo.jsonl)")
    parser.set_defaults(what="list")
    commands = parser.add_subparsers(metavar="COMMAND")
    for what, text in (("list", "show it"), ("undo", "take back"), ("redo", "do again")):
        commands.add_parser(what, help=text).set_defaults(what=what)
    for what, text in (("add", "add a thing"), ("edit", "write it anew")):
        command = commands.add_parser(what, help=text)
        command.set_defaults(what=what)
        if what == "edit":
            command.add_argument("number", type=int)
        command.add_argument("text")
    for what, text in (("done", "it is done"), ("open", "not yet"), ("remove", "forget it")):
        command = commands.add_parser(what, help=text)
        command.set_defaults(what=what)
        command.add_argument("number", type=int)
    return parser.parse_args(arguments)


def _action_of(wish: argparse.Namespace) -> Action:
    match wish.what:
        case "add":
            return TodoAdded(wish.text)
        case "edit":
            return TodoEdited(wish.number, wish.text)
        case "remove":
            return TodoRemoved(wish.number)
        case "undo":
            return Undo()
        case "redo":
            return Redo()
        case _:
            return TodoDone(wish.number, is_done=wish.what == "done")


def _lines(state: Root) -> list[str]:
    todos = select_todos(state)
    lines = [f"{each.number:3} [{'x' if each.is_done else ' '}] {each.text}" for each in todos]
    history = state.todos
    undos, redos = len(history.past), len(history.future)
    total = f"{select_open(state)} of {len(todos)} to do; {undos} to undo, {redos} to redo"
    return [*lines, total]


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1:])))
