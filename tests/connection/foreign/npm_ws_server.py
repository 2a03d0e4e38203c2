"""The server of the npm package `ws`, in a process of its own."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Final

from tests.connection.foreign.npm_packages import folder_with_ws
from tests.connection.foreign.optional_parts import find_program
from tests.connection.foreign.programs import Program, run_program

__all__ = ["npm_ws_server"]

_SERVER: Final = Path(__file__).parent / "ws_server.mjs"


@contextlib.asynccontextmanager
async def npm_ws_server(port: int = 0) -> AsyncGenerator[tuple[str, Program]]:
    """Serve while the block runs; give the address, and the program that tells what it sees."""
    node = find_program("node")
    modules = folder_with_ws() / "node_modules"
    environment = {**os.environ, "NODE_PATH": str(modules)}
    async with run_program([node, str(_SERVER), str(port)], env=environment) as program:
        ready = await program.wait_for(lambda line: "port" in line, 30)
        yield f"ws://127.0.0.1:{ready['port']}/", program
