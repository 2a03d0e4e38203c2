"""The pinned JavaScript packages, installed outside the checkout.

What belongs here: finding node, installing once, the versions.  What does not: running anything.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

import attrs

from contestant import ContestantMissingError

__all__ = ["NODE_FOLDER", "NodePackages", "default_cache_folder", "find_node_packages"]

NODE_FOLDER: Final = Path(__file__).parent / "node"
"""Where the JavaScript contestants stand."""

_INSTALL_SECONDS: Final = 120
"""An install takes 2 s; a network out of reach must not hold the bench up for long."""


@attrs.frozen
class NodePackages:
    """Node, and a folder with the packages in its ``node_modules``."""

    node: str
    """The program."""

    node_version: str
    """As in ``20.1.0``."""

    folder: Path

    versions: dict[str, str]
    """Of each package, as pinned."""


def default_cache_folder() -> Path:
    """Return the folder under which packages are kept from one run to the next."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "refold-bench"


def find_node_packages(cache: Path) -> NodePackages:
    """Return node and the packages, which are installed if they are not there yet.

    Args:
        cache: packages go into a subfolder named by what is pinned.

    Raises:
        ContestantMissingError: node or npm is missing, or the install failed.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None:
        message = "node is not on this machine"
        raise ContestantMissingError(message)
    pinned = (NODE_FOLDER / "package.json").read_bytes()
    folder = cache / f"node-{hashlib.sha256(pinned).hexdigest()[:12]}"
    if not (folder / "installed").exists():
        _install(npm, folder, pinned)
    version = subprocess.run([node, "--version"], check=True, capture_output=True, text=True)  # noqa: S603
    return NodePackages(
        node, version.stdout.strip().lstrip("v"), folder, json.loads(pinned)["dependencies"]
    )


def _install(npm: str | None, folder: Path, pinned: bytes) -> None:
    if npm is None:
        message = "npm is not on this machine"
        raise ContestantMissingError(message)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "package.json").write_bytes(pinned)
    command = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--no-package-lock"]
    try:
        subprocess.run(  # noqa: S603  # npm itself, with fixed arguments
            command, cwd=folder, check=True, capture_output=True, timeout=_INSTALL_SECONDS
        )
    except (subprocess.SubprocessError, OSError) as error:
        message = f"npm could not install the packages: {type(error).__name__}"
        raise ContestantMissingError(message) from error
    (folder / "installed").touch()
