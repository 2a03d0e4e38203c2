"""What a table is true of: the versions of everything that took part.

What belongs here: facts that hold on any machine, and how fast the disk is, because row 11 depends
on it.  What does not: this machine's name or folders.
"""

from __future__ import annotations

import platform
import sqlite3
from collections.abc import Callable

import pyrsistent

from contestant import ContestantMissingError
from log_folder import measure_fsync_us
from node_packages import NodePackages
from peer_library import version_of

__all__ = ["gather_facts"]

_DISTRIBUTIONS = (
    "attrs",
    "pyrsistent",
    "python-redux",
    "pydux",
    "aioredux",
    "cattrs",
    "orjson",
    "msgspec",
    "eventsourcing",
)


def gather_facts(find_node: Callable[[], NodePackages]) -> dict[str, str]:
    """Return versions by name; what is missing says so."""
    facts = {platform.python_implementation(): platform.python_version()}
    facts |= {name: version_of(name) or "not installed" for name in _DISTRIBUTIONS}
    is_compiled = type(pyrsistent.v(1)).__module__ != "pyrsistent._pvector"
    facts["SQLite"] = sqlite3.sqlite_version
    facts["pyrsistent's vector"] = "compiled" if is_compiled else "pure Python"
    facts["a line on disk here"] = f"{measure_fsync_us():.0f} µs"
    try:
        packages = find_node()
    except ContestantMissingError:
        return facts | {"node": "missing"}
    return facts | {"node": packages.node_version} | packages.versions
