"""An event loop in virtual time, for what runs many loops in one test."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import looptime

__all__ = ["run_in_virtual_time"]

R = TypeVar("R")


def run_in_virtual_time(work: Coroutine[Any, Any, R]) -> R:
    """Run a coroutine in a loop of its own, whose clock jumps wherever nothing is left to do."""
    with asyncio.Runner(loop_factory=_new_loop) as runner:
        return runner.run(work)


def _new_loop() -> asyncio.AbstractEventLoop:
    return looptime.patch_event_loop(asyncio.SelectorEventLoop(), noop_cycles=20)
