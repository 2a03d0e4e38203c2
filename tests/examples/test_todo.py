"""The to-do list: a program that lives in its log, by property and as processes.

What belongs here: `examples/todo`.  What does not: entities and undo in general.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples.todo.state import (
    Root,
    Todo,
    TodoAdded,
    TodoDone,
    TodoEdited,
    TodoRemoved,
    root,
    select_open,
    select_todos,
)
from refold import Action, Jump, Redo, Undo, replay
from refold.testing.golden_sessions import check_golden, golden_sessions
from tests.house.checkout import CHECKOUT, needs_sources

GOLDEN = Path(__file__).parent / "golden"

NUMBERS = st.integers(1, 6)
ACTIONS = st.one_of(
    st.builds(TodoAdded, st.text(max_size=5)),
    st.builds(TodoEdited, NUMBERS, st.text(max_size=5)),
    st.builds(TodoDone, NUMBERS, st.booleans()),
    st.builds(TodoRemoved, NUMBERS),
    st.sampled_from([Undo(), Redo(), Jump(-2)]),
)


def fold(actions: list[Action]) -> Root:
    """Return the state after some actions."""
    state = root.initial
    for each in actions:
        state = root(state, each)
    return state


@given(st.lists(ACTIONS, max_size=40))
def test_the_list_agrees_with_its_index_and_never_gives_a_number_twice(
    actions: list[Action],
) -> None:
    """However it is changed and undone, what is open is counted right, and numbers are unique."""
    state = fold(actions)
    todos = select_todos(state)
    assert select_open(state) == sum(not each.is_done for each in todos)
    numbers = [each.number for each in todos]
    assert numbers == sorted(set(numbers))
    assert all(number < state.todos.present.next_number for number in numbers)


@given(st.lists(ACTIONS, max_size=20), ACTIONS.filter(lambda a: not isinstance(a, Undo | Jump)))
def test_undo_takes_back_exactly_the_last_change(actions: list[Action], last: Action) -> None:
    """A change that is undone leaves the list as it was; no change leaves nothing to undo."""
    before = fold(actions)
    after = root(before, last)
    if after is not before and not isinstance(last, Redo):
        assert root(after, Undo()).todos.present == before.todos.present


def run_todo(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the program once, as a person would."""
    return subprocess.run(
        [
            sys.executable,
            "-X",
            "dev",
            "-W",
            "error",
            CHECKOUT / "examples/todo/todo.py",
            *arguments,
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


@needs_sources
def test_a_list_lives_from_run_to_run(tmp_path: Path) -> None:
    """Each run begins where the last one ended, and can undo what that one did."""
    assert run_todo(tmp_path, "add", "milk").stdout == (
        "  1 [ ] milk\n1 of 1 to do; 1 to undo, 0 to redo\n"
    )
    run_todo(tmp_path, "add", "bread")
    done = run_todo(tmp_path, "done", "1")
    assert (done.returncode, done.stderr) == (0, "")
    assert run_todo(tmp_path, "undo").stdout == (
        "  1 [ ] milk\n  2 [ ] bread\n2 of 2 to do; 2 to undo, 1 to redo\n"
    )
    nothing = run_todo(tmp_path, "remove", "9")
    assert (nothing.returncode, nothing.stderr) == (1, "nothing changed\n")
    timeline = replay(tmp_path / "todo.jsonl", root)
    timeline.verify()
    assert select_todos(timeline.at(timeline.head)) == (Todo(1, "milk"), Todo(2, "bread"))


@needs_sources
def test_a_torn_log_loses_only_what_was_being_written(tmp_path: Path) -> None:
    """A list whose last line was cut by a crash goes on with all that was whole."""
    run_todo(tmp_path, "add", "milk")
    with (tmp_path / "todo.jsonl").open("ab") as log:
        log.write(b'{"seq":2,"id"')
    assert run_todo(tmp_path, "add", "bread").stdout.splitlines()[:2] == [
        "  1 [ ] milk",
        "  2 [ ] bread",
    ]


@needs_sources
def test_the_page_shows_what_happens(tmp_path: Path) -> None:
    """The commands of `examples/README.md` print what stands below them."""
    page = (CHECKOUT / "examples/README.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"^```console\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)
    (tmp_path / "examples").symlink_to(CHECKOUT / "examples")
    path = sysconfig.get_path("scripts") + os.pathsep + os.environ["PATH"]
    for part in shown.removeprefix("$ ").split("\n$ "):
        command, _, expected = part.partition("\n")
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            cwd=tmp_path,
            env={**os.environ, "PATH": path, "COLUMNS": "80"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.stdout.rstrip(), done.stderr) == (expected.rstrip(), ""), command


@pytest.mark.parametrize("log", [each for each in golden_sessions(GOLDEN) if "todo" in each.name])
def test_a_recorded_session_leads_where_it_was_accepted(log: Path) -> None:
    """Today's reducers fold the recorded list to what somebody reviewed."""
    check_golden(log, root)
