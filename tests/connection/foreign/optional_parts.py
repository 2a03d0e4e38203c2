"""Programs that only these tests need, and the skip that names the missing one."""

from __future__ import annotations

import shutil
import sysconfig
from typing import Final, NoReturn

import pytest

__all__ = ["find_program", "skip_without"]

_OTHER_FOLDERS: Final = (sysconfig.get_path("scripts"), "/usr/sbin")
"""Where pip and Debian put programs that need not be on the PATH."""


def find_program(name: str) -> str:
    """Return the path of a program; skip the test where it is not installed."""
    found = next(
        filter(None, (shutil.which(name, path=it) for it in (None, *_OTHER_FOLDERS))), None
    )
    if found is None:
        skip_without(f"the program {name} is not on this machine")
    return found


def skip_without(what: str) -> NoReturn:
    """Skip the test in the words that CI refuses."""
    pytest.skip(f"optional part missing: {what}")
