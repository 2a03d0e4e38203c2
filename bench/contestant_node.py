"""`NodeContestant`: a JavaScript contestant in a node process of its own.

A process each, because V8 would otherwise judge one library's code by another's types.  It runs
with ``NODE_ENV=production``, as it would when deployed.
"""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any, Final, Literal, TypeAlias

import attrs

from node_packages import NODE_FOLDER, NodePackages
from scenario import Scenario
from work import Outcome

__all__ = ["Library", "NodeContestant", "make_node_contestant"]

Library: TypeAlias = Literal["redux", "toolkit", "reselect"]
"""Which file of the ``node`` folder."""

_LAST_WORDS: Final = 5
"""How long a process may take to end after its input is closed, in seconds."""


class NodeContestant:
    """Speaks one JSON line each way."""

    def __init__(self, packages: NodePackages, operations: int, prepare: dict[str, Any]) -> None:
        """Start the process and let it prepare.

        Args:
            packages: node and where its packages are.
            operations: how many dispatches or calls one pass has.
            prepare: what the worker is told first.
        """
        self.operations = operations
        worker = str(NODE_FOLDER / "worker.mjs")
        self._process = subprocess.Popen(  # noqa: S603  # node itself, with our own file
            [packages.node, "--expose-gc", worker],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "NODE_ENV": "production"},
        )
        self._ask({"prepare": {**prepare, "packages": str(packages.folder)}})

    def measure(self, passes: int) -> float:
        """Do so many passes; return the CPU seconds of the node process."""
        return float(self._ask({"passes": passes})["seconds"])

    def outcome(self) -> Outcome:
        """Return what came out so far."""
        outcome: Outcome = self._ask({"outcome": True})["outcome"]
        return outcome

    def close(self) -> None:
        """End the process."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        try:
            self._process.wait(_LAST_WORDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _ask(self, command: dict[str, Any]) -> dict[str, Any]:
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            message = "the process was started without pipes"
            raise RuntimeError(message)
        stdin.write(json.dumps(command) + "\n")
        stdin.flush()
        answer: dict[str, Any] = json.loads(stdout.readline() or '{"error": "node ended"}')
        if "error" in answer:
            self.close()
            raise RuntimeError(answer["error"])
        return answer


def make_node_contestant(
    packages: NodePackages, library: Library, scenario: Scenario, *, bundled: bool = False
) -> NodeContestant:
    """Return a contestant for a scenario.

    Args:
        packages: node and where its packages are.
        library: which of the JavaScript libraries.
        scenario: what to do.
        bundled: take the build for bundlers, in which the tests for development are cut out.
    """
    prepare = attrs.asdict(scenario, filter=lambda field, _value: field.name != "work")
    prepare |= attrs.asdict(scenario.work) | {"library": library, "bundled": bundled}
    return NodeContestant(packages, len(scenario.work.steps), prepare)
