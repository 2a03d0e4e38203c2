"""Debian's `haproxy` between the connection and a backend on loopback, with faults on demand."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import tempfile
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Final

from tests.connection.foreign.optional_parts import find_program
from tests.connection.foreign.programs import run_program

__all__ = ["HAProxy", "haproxy"]

_RULES: Final = {
    "refuse the connection": "tcp-request connection reject",
    "drop the request": "http-request silent-drop",
    "hang up": "http-request reject",
    "tarpit": "http-request tarpit",
    **{
        status: f"http-request return status {status} hdr Retry-After 7"
        for status in ("400", "401", "403", "404", "410", "429", "500", "502", "503", "504")
    },
    "302": "http-request redirect location /elsewhere code 302",
}
"""Each fault by name, and the rule that makes it."""

_CONFIGURATION: Final = """
global
    stats socket fd@{control} level admin
    set-var proc.fault str(none)
defaults
    mode http
    retries 0
    timeout connect 5s
    timeout client 20s
    timeout server 20s
    timeout tunnel {tunnel_milliseconds}ms
    timeout tarpit {tarpit_milliseconds}ms
frontend entrance
    bind fd@{entrance}
    {rules}
    default_backend echo
backend echo
    server one 127.0.0.1:{backend_port}
"""


class HAProxy:
    """A proxy that runs."""

    def __init__(self, port: int, control_port: int) -> None:
        self.url = f"ws://127.0.0.1:{port}/"
        self._control_port = control_port

    async def begin(self, fault: str) -> None:
        """Treat every new connection or request so from now on."""
        assert fault in _RULES
        await self._set_fault(fault)

    async def end_fault(self) -> None:
        """Let everything through again."""
        await self._set_fault("none")

    async def disable_backend(self) -> None:
        """Send nothing new to the backend; what is open stays open."""
        await self._command("disable server echo/one")

    async def cut_links(self) -> None:
        """Break whatever is open to the backend."""
        await self._command("shutdown sessions server echo/one")

    async def enable_backend(self) -> None:
        """Use the backend again."""
        await self._command("enable server echo/one")

    async def _set_fault(self, name: str) -> None:
        text = name.replace(" ", "-")
        await self._command(f"experimental-mode on; set var proc.fault str({text})")

    async def _command(self, command: str) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._control_port)
        writer.write(command.encode() + b"\n")
        answer = (await reader.read()).decode().strip()
        writer.close()
        await writer.wait_closed()
        assert not answer, answer


@contextlib.asynccontextmanager
async def haproxy(
    backend_port: int, *, tunnel_milliseconds: int = 20_000, tarpit_milliseconds: int = 20_000
) -> AsyncGenerator[HAProxy]:
    """Run a proxy while the block runs.

    Args:
        backend_port: where on loopback it finds its backend, which may be down.
        tunnel_milliseconds: a link that is idle for so long is cut.
        tarpit_milliseconds: how long the tarpit holds a request before it answers 500.
    """
    program = find_program("haproxy")
    # It inherits sockets that listen already: no port can be taken by somebody else meanwhile.
    with contextlib.ExitStack() as open_sockets:
        entrance = open_sockets.enter_context(socket.create_server(("127.0.0.1", 0)))
        control = open_sockets.enter_context(socket.create_server(("127.0.0.1", 0)))
        folder = open_sockets.enter_context(tempfile.TemporaryDirectory())
        path = Path(folder) / "haproxy.cfg"
        text = _CONFIGURATION.format(
            control=control.fileno(),
            entrance=entrance.fileno(),
            backend_port=backend_port,
            tunnel_milliseconds=tunnel_milliseconds,
            tarpit_milliseconds=tarpit_milliseconds,
            rules="\n    ".join(_lines_of_rules()),
        )
        path.write_text(text, encoding="utf-8")
        command = [program, "-db", "-q", "-f", str(path)]
        async with run_program(command, descriptors=[entrance.fileno(), control.fileno()]):
            made = HAProxy(entrance.getsockname()[1], control.getsockname()[1])
            await made.end_fault()
            yield made


def _lines_of_rules() -> list[str]:
    """Return the rules, each under the condition that its fault is on."""
    named = [(name.replace(" ", "-"), rule) for name, rule in _RULES.items()]
    return [f"{rule} if {{ var(proc.fault) -m str {name} }}" for name, rule in named]
