"""What happens in the demo, step by step, and what must hold after each.

What belongs here: the story.  What does not: how it is shown, which `demo_display` knows.

A step never assumes that the one before went well: it checks what it sees, and the demo goes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final, TypeAlias

import attrs

from refold.commands.demo_client import DEMO_OPTIONS, DemoClient
from refold.commands.demo_hub import DemoHub
from refold.reducers.connection import ConnectionStatus, LastError

if TYPE_CHECKING:
    from refold.commands.demo_application import DemoState
    from refold.commands.demo_report import StepReport

__all__ = ["LIVE_STEPS", "Scene"]

_HTTP_UNAVAILABLE: Final = 503
_SERVICE_RESTART: Final = 1012


@attrs.define
class Scene:
    """Who takes part."""

    hub: DemoHub
    """The server."""

    client: DemoClient
    """The program with the store."""

    failures: list[LastError] = attrs.field(factory=list[LastError])
    """Every failure that the state named, in order."""

    def failures_since(self, count: int) -> list[str]:
        """Return the kinds of the failures behind the first ones, such as ``http``."""
        return [failure.kind for failure in self.failures[count:]]


async def meet_refusals(scene: Scene, step: StepReport) -> None:
    """The hub is there, but lets nobody in at first."""
    scene.hub.refuse_next(2)
    await scene.client.connection.connect()
    is_open = await scene.client.until(_is_connected)
    state = scene.client.state.connection
    statuses = [failure.http_status for failure in scene.failures]
    step.check("the third attempt connected", is_open and state.total_connects == 1)
    step.check("two attempts failed with HTTP 503", statuses == [_HTTP_UNAVAILABLE] * 2, statuses)
    is_stable = await scene.client.until(lambda s: s.connection.reconnect_attempts == 0)
    step.check("failures in a row count from 0 once the link is stable", is_stable)


async def exchange_messages(scene: Scene, step: StepReport) -> None:
    """All is well: prices come in, orders go out, and a quiet hub is no dead one."""
    for _ in range(3):
        scene.client.place_order()
    confirmed = await scene.client.until(_all_confirmed)
    step.check("three orders were confirmed", confirmed, scene.hub.orders)
    priced = await scene.client.until(lambda s: len(s.ticker.prices) == len(scene.hub.symbols))
    step.check("prices of every symbol came in", priced)
    with scene.hub.sending_no_prices():
        before = scene.client.state.connection.last_heartbeat_at_ms
        answered = await scene.client.until(lambda s: s.connection.last_heartbeat_at_ms != before)
    step.check("the quiet hub answered a ping", answered)
    step.check("the connection is still the first one", _connects(scene) == 1)


async def lose_the_connection_abruptly(scene: Scene, step: StepReport) -> None:
    """The connection is reset, as when a machine crashes; what is sent meanwhile waits."""
    known, connects = len(scene.failures), _connects(scene)
    scene.hub.refuse_next(1)
    scene.hub.reset_connections()
    lost = await scene.client.until(lambda s: not _is_connected(s))
    step.check("the loss was noticed at once", lost)
    for _ in range(2):
        scene.client.place_order()
    waiting = scene.client.connection.queue_size
    step.check("two orders wait for the connection", waiting == 2, waiting)  # noqa: PLR2004
    await _expect_return(scene, step, connects)
    kinds = scene.failures_since(known)
    step.check("it failed by a loss, then by a refusal", kinds == ["lost", "http"], kinds)


async def meet_a_silent_peer(scene: Scene, step: StepReport) -> None:
    """The hub stays connected but says nothing any more, not even to a ping."""
    known, connects = len(scene.failures), _connects(scene)
    loop = asyncio.get_running_loop()
    began = loop.time()
    scene.hub.fall_silent()
    lost = await scene.client.until(lambda s: not _is_connected(s))
    seconds = loop.time() - began
    limit = (DEMO_OPTIONS.heartbeat_interval or 0) + DEMO_OPTIONS.heartbeat_timeout + 0.5
    sentence = f"the silence was noticed within {limit:.1f} s"
    step.check(sentence, lost and seconds <= limit, f"{seconds:.2f} s")
    await _expect_return(scene, step, connects)
    kinds = scene.failures_since(known)
    step.check("it failed by its heartbeat", kinds == ["heartbeat_timeout"], kinds)


async def outlive_a_restart(scene: Scene, step: StepReport) -> None:
    """The hub closes, is gone for a while, and comes back on the same port."""
    known, connects = len(scene.failures), _connects(scene)
    await scene.hub.stop()
    scene.client.place_order()
    refused = await scene.client.until(lambda _: "connect" in scene.failures_since(known))
    step.check("nobody listened meanwhile", refused, scene.failures_since(known))
    await scene.hub.start()
    await _expect_return(scene, step, connects)
    codes = [failure.close_code for failure in scene.failures[known : known + 1]]
    step.check("the hub's close code 1012 was kept", codes == [_SERVICE_RESTART], codes)


async def say_goodbye(scene: Scene, step: StepReport) -> None:
    """The client disconnects, which is no failure."""
    errors = scene.client.state.connection.error_count
    await scene.client.connection.disconnect()
    state = scene.client.state.connection
    step.check("it is disconnected", state.status is ConnectionStatus.DISCONNECTED, state.status)
    step.check("by the user, not by a failure", state.terminal_reason == "closed_by_user")
    step.check("every failure was counted once", state.error_count == len(scene.failures) == errors)
    placed = list(range(1, scene.client.orders_placed + 1))
    step.check("the hub got every order once and in order", scene.hub.orders == placed)
    step.check("no order is unconfirmed", not scene.client.state.ticker.awaited_orders)


async def _expect_return(scene: Scene, step: StepReport, connects: int) -> None:
    returned = await scene.client.until(
        lambda s: _is_connected(s) and s.connection.total_connects == connects + 1
    )
    step.check("it came back by itself", returned, f"{_connects(scene)} connects")
    confirmed = await scene.client.until(_all_confirmed)
    step.check("every order is confirmed", confirmed)
    stable = await scene.client.until(lambda s: s.connection.reconnect_attempts == 0)
    step.check("and it is stable", stable)


def _connects(scene: Scene) -> int:
    return scene.client.state.connection.total_connects


def _is_connected(state: DemoState) -> bool:
    return state.connection.status is ConnectionStatus.CONNECTED


def _all_confirmed(state: DemoState) -> bool:
    return not state.ticker.awaited_orders


Step: TypeAlias = Callable[[Scene, "StepReport"], Awaitable[None]]
"""Does something and checks what came of it."""

LIVE_STEPS: Final[tuple[tuple[str, Step], ...]] = (
    ("the hub refuses twice with HTTP 503", meet_refusals),
    ("a good connection exchanges messages", exchange_messages),
    ("the connection is lost abruptly", lose_the_connection_abruptly),
    ("the hub falls silent", meet_a_silent_peer),
    ("the hub restarts", outlive_a_restart),
    ("the client disconnects", say_goodbye),
)
"""In the order in which they happen."""
