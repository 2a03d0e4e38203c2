"""The debugger's parts without a terminal: its views and its script.

What belongs here: `examples/connectome_stepper` as functions of a state.  What does not: its timer,
see `test_connectome_timer`; keys and screens, see `test_connectome_stepper`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console

from examples.connectome_stepper import view
from examples.connectome_stepper.feed import FlowEventMessage, event_of
from examples.connectome_stepper.feed_view import draw_feed
from examples.connectome_stepper.ledger_view import draw_ledger
from examples.connectome_stepper.script import STEPS, next_release
from examples.connectome_stepper.store import ConnectomeState, root
from refold import evolve
from refold.actions.connection import ConnectionEnded, LastError
from refold.actions.ledger import (
    AppendRealtimeEventAndUpdateFocusIfNeeded,
    HealthBadge,
    SetHealthBadge,
    SetPlayerWaitTimerStartMs,
    SetSpeedAndUpdateNominalTickInterval,
    SetTickDisplayProgress01,
)
from tests.examples.stepper_scene import new_session

if TYPE_CHECKING:
    from examples.connectome_stepper.panel import Draw
    from refold import Action

DRAWS: tuple[Draw, ...] = (
    *(view.draw_status, draw_ledger, view.draw_focus, view.draw_wait, view.draw_tick),
    *(view.draw_explanation, view.draw_keys, draw_feed),
)
SHARES: dict[Draw, int] = {
    view.draw_status: 80,
    draw_ledger: 44,
    view.draw_keys: 80,
    view.draw_explanation: 76,
}
"""How wide a panel is on 80 characters; the others have 28."""


def drawn(draw: Draw, *actions: Action, now_ms: int = 0) -> list[str]:
    """Return the lines that a view draws after these actions."""
    state = root.initial
    for action in actions:
        state = root(state, action)
    return lines_of(draw, state, now_ms)


def lines_of(draw: Draw, state: ConnectomeState, now_ms: int) -> list[str]:
    """Return the lines that a view draws."""
    console = Console(width=200)
    with console.capture() as shown:
        console.print(draw(state, now_ms))
    return [line.rstrip() for line in shown.get().rstrip("\n").splitlines()]


def test_every_step_fits_its_panels() -> None:
    """On 80 by 24 characters no step of the script is cut anywhere."""
    session = new_session()
    for _ in STEPS:
        session.release_next()
        session.toggle_pin()
        session.toggle_pin()
        for draw in DRAWS:
            lines = lines_of(draw, session.store.state, session.now_ms())
            assert max(map(len, lines)) <= SHARES.get(draw, 28), (draw, lines)
            assert not any("…" in line for line in lines)
    assert {len(step.sentence) <= 76 for step in STEPS} == {True}
    assert {len(step.notes or "") <= 76 for step in STEPS} == {True}


def test_views_are_pure() -> None:
    """The same state and time are drawn the same, whatever was drawn in between."""
    session = new_session()
    session.release_next()
    state = session.store.state
    for draw in DRAWS:
        first = lines_of(draw, state, 5)
        lines_of(draw, root.initial, 9)
        assert lines_of(draw, state, 5) == first


def test_the_script_is_one_request_that_ends_its_wait() -> None:
    """Exactly one step starts a wait and a later one stops it; no key comes twice."""
    waits = [step.wait for step in STEPS if step.wait != "none"]
    assert waits == ["start", "stop"]
    assert len({step.key for step in STEPS}) == len(STEPS) == 12
    assert {step.node.partition(".")[0] for step in STEPS} == {"FE", "BE", "GRAPH", "AGENTS"}
    for place, step in enumerate(STEPS):
        ledger = evolve(root.initial.ledger, cursor=place + len(STEPS))
        release = next_release(ledger)
        assert (release.event and release.event.step_key) == step.key, "it begins again"


def test_what_is_missing_is_drawn_as_a_dash() -> None:
    """An event with nothing but its id is a row like any other."""
    (row,) = drawn(
        draw_ledger, AppendRealtimeEventAndUpdateFocusIfNeeded(event_of(FlowEventMessage("x")))
    )[1:]
    assert row.split() == ["0", "-", "?", "?", "-"]


def test_the_bars_follow_state_and_time() -> None:
    """The wait's bar is a quarter full after 1 s, the tick's as the state says."""
    assert drawn(view.draw_wait, SetPlayerWaitTimerStartMs(1000), now_ms=2000) == [
        "███░░░░░░░░░ 1.0 of 4.0 s"
    ]
    speed = SetSpeedAndUpdateNominalTickInterval("2x")
    assert drawn(view.draw_tick, speed, SetTickDisplayProgress01(0.5)) == ["██████░░░░░░ 2x 500 ms"]


def test_a_failed_check_is_told_in_the_status() -> None:
    """What the health checks found stands where OK stood."""
    badge = HealthBadge("ERROR", "5 of 6 checks hold")
    (line,) = drawn(view.draw_status, SetHealthBadge("state_store", badge))
    assert line.endswith("health 5 of 6 checks hold")


def test_an_end_for_good_is_told_with_its_reason() -> None:
    """Whoever looks sees that no event will come any more, and why."""
    error = LastError("http", "WSServerHandshakeError", "HTTP 404")
    assert drawn(draw_feed, ConnectionEnded("fatal", error)) == [
        "disconnected for good",
        "HTTP 404",
    ]
