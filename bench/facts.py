"""What a table is true of: the versions of everything that took part.

What belongs here: facts that hold on any machine.  What does not: this machine's name or folders.
"""

from __future__ import annotations

import platform
from collections.abc import Callable

import pyrsistent

from contestant import ContestantMissingError
from node_packages import NodePackages
from peer_library import version_of

__all__ = ["gather_facts"]

_DISTRIBUTIONS = ("attrs", "pyrsistent", "python-redux", "pydux", "aioredux")


def gather_facts(find_node: Callable[[], NodePackages]) -> dict[str, str]:
    """Return versions by name; what is missing says so."""
    facts = {platform.python_implementation(): platform.python_version()}
    facts |= {name: version_of(name) or "not installed" for name in _DISTRIBUTIONS}
    is_compiled = type(pyrsistent.v(1)).__module__ != "pyrsistent._pvector"
    facts["pyrsistent's vector"] = "compiled" if is_compiled else "pure Python"
    try:
        packages = find_node()
    except ContestantMissingError:
        return facts | {"node": "missing"}
    return facts | {"node": packages.node_version} | packages.versions
