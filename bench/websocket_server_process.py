"""`ServerProcess`: a `websocket_server` in a process of its own, as one contestant's far end."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

__all__ = ["ServerProcess"]

_SCRIPT: Final = Path(__file__).with_name("websocket_server.py")

_LAST_WORDS: Final = 5
"""How long the process may take to end after its input is closed, in seconds."""


class ServerProcess:
    """Serves from the beginning on, until it is closed."""

    def __init__(self) -> None:
        """Start it and wait for its port."""
        self._process = subprocess.Popen(  # noqa: S603  # our own file
            [sys.executable, str(_SCRIPT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        line = self._process.stdout.readline() if self._process.stdout is not None else ""
        if not line.strip().isdecimal():
            self.close()
            message = f"expected a port from {_SCRIPT.name}, got {line!r}"
            raise RuntimeError(message)
        self.url = f"ws://127.0.0.1:{int(line)}/"

    def close(self) -> None:
        """End it."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        try:
            self._process.wait(_LAST_WORDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
