"""The debugger by its keys: each one pressed on a screen of 80 by 24 characters.

What belongs here: stepper mode.  What does not: the feed, see `test_connectome_realtime`, and the
parts without a terminal, see `test_connectome_parts`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from examples.connectome_stepper.script import STEPS
from refold.reducers.ledger import SESSION_BOUNDARY
from refold.reducers.ledger_state import ActiveFocus
from refold.selectors.ledger_export import parse_ledger_jsonl, serialize_ledger_to_jsonl
from tests.examples.programs import state_when
from tests.examples.stepper_scene import HandClock, Scene, new_session, stepper


def keys_of(scene: Scene) -> list[str | None]:
    """Return which steps the ledger has, in its order; None for a boundary."""
    return [event.step_key for event in scene.ledger.ledger]


async def test_one_step_changes_every_panel_together(tmp_path: Path) -> None:
    """B1: after Next the ledger, the focus and the explanation on the screen are of one step."""
    async with stepper(new_session(), tmp_path) as scene:
        assert "n releases the first step" in await scene.screen()
        for place, step in enumerate(STEPS, 1):
            await scene.press("n")
            screen = await scene.screen()
            assert f"▸{place} " in screen
            for words in (step.label, f"node {step.node} ", f"step {step.key} ", step.sentence):
                assert words in screen, words
            assert f"cursor {place} " in screen
            assert f"commit {place + 1} " in screen
            assert "health OK" in screen


async def test_e1_two_hundred_next_presses_at_once_lose_nothing(tmp_path: Path) -> None:
    """E1: keys that nobody waits for are all released, in order, and the last one is shown."""
    async with stepper(new_session(), tmp_path) as scene:
        from textual.events import Key  # noqa: PLC0415  # only where there is textual

        for _ in range(200):
            scene.app.post_message(Key("n", "n"))
        state = await state_when(scene.session.store, lambda s: s.ledger.cursor == 200)
        screen = await scene.screen()
    expected = [None, *(STEPS[number % len(STEPS)].key for number in range(200))]
    assert keys_of(scene) == expected
    assert [event.arrival_index for event in state.ledger.ledger] == list(range(201))
    assert len({event.id for event in state.ledger.ledger}) == 201
    assert state.ledger.commit_id == 201
    assert "▸200 " in screen
    assert (" 186 00:" in screen, " 185 00:" in screen) == (True, False), "there are 15 rows"
    assert "health OK" in screen


async def test_p2_restart_begins_a_session_and_keeps_the_ledger(tmp_path: Path) -> None:
    """P2: r clears cursor, focus and wait, marks the boundary, and shows another session."""
    async with stepper(new_session(), tmp_path) as scene:
        await scene.press("n", "n", "r")
        screen = await scene.screen()
        assert scene.ledger.session_id == "s2"
        assert (scene.ledger.cursor, scene.ledger.active_focus) == (0, ActiveFocus())
        assert [event.label for event in scene.ledger.ledger][-1] == SESSION_BOUNDARY
        for words in ("session s2", "cursor 0", "nobody waits", "node -", "health OK"):
            assert words in screen
        await scene.press("n")
        assert keys_of(scene) == [None, "ask", "post", None, "ask"]


async def test_the_wait_bar_follows_the_clock_and_not_the_keys(tmp_path: Path) -> None:
    """B4: the bar fills while nothing happens in the store, to 4 s, and is gone at the answer."""
    clock = HandClock()
    async with stepper(new_session(clock=clock), tmp_path) as scene:
        await scene.press("n")
        commits = scene.ledger.commit_id
        for seconds, shown in ((1.3, "1.3 of 4.0 s"), (60.0, "4.0 of 4.0 s")):
            clock.seconds += seconds
            while shown not in await scene.screen():  # drawn anew every tenth of a second
                pass
        assert scene.ledger.commit_id == commits
        await scene.press(*["n"] * (len(STEPS) - 1))
        assert "nobody waits" in await scene.screen()


@pytest.mark.parametrize(
    ("key", "label", "shown"),
    [("1", "1x", "1x 1000 ms"), ("2", "2x", "2x 500 ms"), ("3", "3x", "3x 333 ms")],
)
async def test_b5_a_speed_releases_steps_until_it_is_paused(
    tmp_path: Path, key: str, label: str, shown: str
) -> None:
    """B5: 1, 2 and 3 set speed, interval and bar together; steps come by themselves, 0 stops it."""
    async with stepper(new_session(), tmp_path) as scene:
        await scene.press(key)
        assert scene.ledger.speed == label
        assert shown in await scene.screen()
        await state_when(scene.session.store, lambda s: s.ledger.cursor >= 2)
        await scene.press("0")
        assert "pause" in await scene.screen()
        assert keys_of(scene)[:3] == [None, "ask", "post"]


async def test_pin_and_hold_are_shown_and_let_go(tmp_path: Path) -> None:
    """The keys p and space change the state that the panels show, and change it back."""
    async with stepper(new_session(), tmp_path) as scene:
        await scene.press("p")
        assert scene.ledger.pinned_focus is None, "nothing is looked at yet"
        await scene.press("n", "p", "space")
        screen = await scene.screen()
        assert "pinned to FE.page" in screen
        assert "held" in screen
        await scene.press("p", "space")
        screen = await scene.screen()
        assert "not pinned" in screen
        assert "held" not in screen


async def test_p1_the_exported_file_equals_the_ledger(tmp_path: Path) -> None:
    """P1: e writes each event of the ledger, and says where."""
    async with stepper(new_session(), tmp_path) as scene:
        await scene.press(*["n"] * 5, "e")
        text = (tmp_path / "ledger_s1.jsonl").read_text(encoding="utf-8")
        assert "exported to" in await scene.screen()
        assert text == serialize_ledger_to_jsonl(scene.ledger)
        assert parse_ledger_jsonl(text).events == tuple(scene.ledger.ledger)


async def test_an_export_that_fails_is_told_and_harms_nothing(tmp_path: Path) -> None:
    """Where nothing can be written the screen says so, and the next key works."""
    async with stepper(new_session(), tmp_path / "not there") as scene:
        await scene.press("e")
        assert "cannot export" in await scene.screen()
        await scene.press("n")
        assert scene.ledger.cursor == 1
