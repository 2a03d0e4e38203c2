"""The npm package `ws`, installed once into a cache folder outside the checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from tests.connection.foreign.optional_parts import find_program, skip_without

__all__ = ["folder_with_ws"]

_PACKAGE: Final = "ws@8.18.3"

_INSTALL_SECONDS: Final = 45
"""An install takes 2 s, and a test has 60; a network out of reach must not hold it up for long."""


def folder_with_ws() -> Path:
    """Return a folder with ``ws`` in its ``node_modules``; skip the test where it cannot be had."""
    base = os.environ.get("XDG_CACHE_HOME")
    cache = (Path(base) if base else Path.home() / ".cache") / "refold-tests"
    folder = cache / _PACKAGE.replace("@", "-")
    if not folder.exists():
        _install(folder)
    return folder


def _install(folder: Path) -> None:
    """Install beside the folder, then rename: another run never sees half of it."""
    npm = find_program("npm")
    folder.parent.mkdir(parents=True, exist_ok=True)
    options = ("--no-audit", "--no-fund", "--ignore-scripts", "--no-package-lock", "--no-save")
    with tempfile.TemporaryDirectory(dir=folder.parent) as beside:
        (Path(beside) / "package.json").write_text('{"private": true}', encoding="utf-8")
        command = [npm, "install", *options, _PACKAGE]
        try:
            subprocess.run(
                command, cwd=beside, check=True, capture_output=True, timeout=_INSTALL_SECONDS
            )
        except (subprocess.SubprocessError, OSError) as error:
            skip_without(f"npm could not install {_PACKAGE}: {type(error).__name__}")
        shutil.copytree(beside, f"{beside}.done", symlinks=True)
    try:
        Path(f"{beside}.done").rename(folder)
    except OSError:  # another run was first
        shutil.rmtree(f"{beside}.done")
