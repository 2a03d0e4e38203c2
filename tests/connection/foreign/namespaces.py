"""A network of its own: a namespace joined to ours by a pair of virtual cables, with a firewall.

All rules stand inside the namespace, so that nothing else on the machine meets them, and they
vanish with it.  Needs to be root.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import secrets
import subprocess
import sys
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Final

import pytest

from tests.connection.foreign.optional_parts import find_program
from tests.connection.foreign.programs import run_program

__all__ = ["FarServer", "far_server"]

_SERVER: Final = Path(__file__).parent / "echo_far_away.py"

_NUMBERS: Final = itertools.count()

_TCP: Final = ("-p", "tcp", "-j")


class FarServer:
    """An echo server behind a network that can be broken."""

    def __init__(self, namespace: str, url: str, ip: str, iptables: str) -> None:
        self.url = url
        self._firewall = (ip, "netns", "exec", namespace, iptables, "-w")

    def drop_everything(self) -> None:
        """Lose every packet in both directions, and tell nobody."""
        self._add("INPUT", *_TCP, "DROP")
        self._add("OUTPUT", *_TCP, "DROP")

    def reject(self, answer: str) -> None:
        """Answer every packet that arrives with a refusal, such as ``tcp-reset``."""
        self._add("INPUT", *_TCP, "REJECT", "--reject-with", answer)

    def heal(self) -> None:
        """Let everything through again."""
        self._call("-F")

    def packets_lost(self) -> int:
        """Return how many packets that arrived were dropped since the last `heal`."""
        listed = self._call("-L", "INPUT", "-v", "-x", "-n")
        counted = re.search(r"^ *(\d+) .* DROP ", listed, re.MULTILINE)
        return int(counted[1]) if counted else 0

    def _add(self, chain: str, *rule: str) -> None:
        self._call("-A", chain, *rule)

    def _call(self, *arguments: str) -> str:
        return _run([*self._firewall, *arguments])


@contextlib.asynccontextmanager
async def far_server() -> AsyncGenerator[FarServer]:
    """Run an echo server in a new namespace, and remove all of it afterwards."""
    ip, iptables = find_program("ip"), find_program("iptables")
    if os.geteuid() != 0:
        pytest.skip("only root may make network namespaces")
    number = next(_NUMBERS)
    namespace = f"refold-{os.getpid()}-{number}"
    cable = f"rf{os.getpid()}x{number}"  # at most 15 letters
    ours, theirs = _unused_addresses()
    try:
        _make(namespace, ip, iptables)
        _join(namespace, ip, cable, f"{ours}/30", f"{theirs}/30")
        command = [ip, "netns", "exec", namespace, sys.executable, str(_SERVER), theirs]
        async with run_program(command) as program:
            ready = await program.wait_for(lambda line: "port" in line)
            url = f"ws://{theirs}:{ready['port']}/"
            yield FarServer(namespace, url, ip, iptables)
    finally:
        for thing in (["link", "del", cable], ["netns", "del", namespace]):
            with contextlib.suppress(subprocess.CalledProcessError):  # it was not made
                _run([ip, *thing])


def _unused_addresses() -> tuple[str, str]:
    """Return our address and theirs: any /30 of the range for tests of networks (RFC 2544)."""
    subnet = (198 << 24) + (18 << 16) + secrets.randbelow(2**15) * 4
    return _dotted(subnet + 1), _dotted(subnet + 2)


def _dotted(address: int) -> str:
    return ".".join(str(byte) for byte in address.to_bytes(4, "big"))


def _make(namespace: str, ip: str, iptables: str) -> None:
    """Make a namespace with a firewall, or skip the test where the kernel has none to offer."""
    try:
        _run([ip, "netns", "add", namespace])
        _run([ip, "netns", "exec", namespace, iptables, "-S"])
    except subprocess.CalledProcessError as error:
        pytest.skip(f"the kernel allows no network namespace with iptables: {error.stderr.strip()}")


def _join(namespace: str, ip: str, cable: str, ours: str, theirs: str) -> None:
    """Lay a cable between us and the namespace, whose end there is ``far``."""
    end = ["peer", "name", "far", "netns", namespace]
    _run([ip, "link", "add", cable, "type", "veth", *end])
    _run([ip, "addr", "add", ours, "dev", cable])
    _run([ip, "link", "set", cable, "up"])
    _run([ip, "-n", namespace, "addr", "add", theirs, "dev", "far"])
    _run([ip, "-n", namespace, "link", "set", "far", "up"])


def _run(command: Sequence[str]) -> str:
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=10)
    return done.stdout
