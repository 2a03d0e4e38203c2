"""`run_mutants`: each mutant in a process of its own, two at a time, none for longer than a limit.

What belongs here: processes and time.  What does not: what is done in them.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Final

import attrs

from mutation.mutants import Mutant
from mutation.mutated_slice import MutatedSlice
from mutation.try_mutant import Verdict, try_mutant

__all__ = ["Job", "run_mutants"]

_CONTEXT: Final = multiprocessing.get_context("forkserver")


@attrs.frozen(eq=False)
class Job:
    """One mutant of one module."""

    of: MutatedSlice

    mutant: Mutant


@attrs.frozen(eq=False)
class _Running:
    job: Job

    process: BaseProcess

    answer: Connection

    ends_at: float


def run_mutants(
    jobs: list[Job], *, processes: int, limit_seconds: float, examples: int
) -> Iterator[tuple[Job, Verdict]]:
    """Yield what came of each mutant, in the order in which they end.

    Args:
        jobs: the mutants.
        processes: how many are tried at once.
        limit_seconds: how long one may take.
        examples: how many runs are tried before it counts as a survivor.
    """
    _CONTEXT.set_forkserver_preload(["mutation.try_mutant", "rich.progress", "rich.table"])
    waiting, running = list(reversed(jobs)), list[_Running]()
    while waiting or running:
        while waiting and len(running) < processes:
            running.append(_start(waiting.pop(), limit_seconds, examples))
        next_end = min(one.ends_at for one in running)
        wait([one.answer for one in running], timeout=max(0.0, next_end - time.monotonic()))
        for one in tuple(running):
            if one.answer.poll() or time.monotonic() >= one.ends_at:
                running.remove(one)
                yield one.job, _verdict_of(one)


def _start(job: Job, limit_seconds: float, examples: int) -> _Running:
    answer, question = _CONTEXT.Pipe(duplex=False)
    process = _CONTEXT.Process(
        target=_try_and_tell, args=(question, job.of, job.mutant.source, examples), daemon=True
    )
    process.start()
    question.close()
    return _Running(job, process, answer, time.monotonic() + limit_seconds)


def _try_and_tell(question: Connection, of: MutatedSlice, source: str, examples: int) -> None:
    question.send(try_mutant(of, source, examples))


def _verdict_of(one: _Running) -> Verdict:
    try:
        verdict: Verdict = one.answer.recv() if one.answer.poll() else Verdict("timeout")
    except EOFError:  # it ended without an answer: by a signal, as too deep a recursion does
        one.process.join()
        if (one.process.exitcode or 0) >= 0:
            message = f"the trial itself failed, see above: {one.job.mutant.key}"
            raise RuntimeError(message) from None
        verdict = Verdict("killed", "the process ended")
    one.process.kill()
    one.process.join()
    one.answer.close()
    return verdict
