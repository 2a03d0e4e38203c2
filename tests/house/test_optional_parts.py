"""An optional part is imported only where it is used, so that nobody pays for it unasked.

What belongs here: what importing loads.  What does not: what happens where a part is missing, which
the tests of its user say.
"""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Final

import pytest

from tests.house.checkout import CHECKOUT, needs_sources
from tests.house.imported_modules import imported_modules
from tests.house.installed_files import package_folders

if TYPE_CHECKING:
    from pathlib import Path

USERS: Final = {
    "aiortc": {"refold.middleware.peer_network.webrtc_session"},
    "btclib_secp256k1": {"refold.middleware.peer_network.musig2_library"},
}
"""Which modules may import an optional part when they are imported themselves."""

ONLY_FOR_TYPES: Final = {"aiortc": {"refold.middleware.peer_network.data_channel_pipe"}}
"""Which modules name it besides, for type checkers only."""


@pytest.mark.parametrize(
    "module",
    [
        "refold",
        "refold.middleware.peers",
        "refold.middleware.usual_peers",
        "refold.middleware.peer_network.peer_node",
        "refold.middleware.peer_network.webrtc_transport",
        "refold.middleware.peer_network.data_channel_pipe",
    ],
)
def test_importing_loads_no_optional_part(module: str) -> None:
    """Neither aiortc with its 115 MB nor a library for signing is loaded before it is used."""
    program = (
        f"import importlib, sys; importlib.import_module({module!r})\n"
        f"print(sorted(set({sorted(USERS)!r}) & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr


@needs_sources
@pytest.mark.parametrize("part", USERS)
def test_one_module_alone_imports_an_optional_part(part: str) -> None:
    """Whoever else needs it goes through that module."""
    found = {
        name
        for name, path in _modules().items()
        if part in {each.split(".")[0] for each in imported_modules(path)}
    }
    assert found == USERS[part] | ONLY_FOR_TYPES.get(part, set())


def _modules() -> dict[str, Path]:
    """Return every module of refold and its file."""
    return {
        f"{package}.{path.stem}": path
        for package, folder in package_folders(CHECKOUT).items()
        for path in (CHECKOUT / folder).glob("*.py")
    }
