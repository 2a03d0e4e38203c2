"""Compiling a small function from a template of this package, as attrs does for constructors.

What belongs here: the one place that calls `exec`.  The source is always a template of refold with
field names of a declared class in it, never text from data.
"""

from __future__ import annotations

from typing import Any

__all__ = ["run_template"]


def run_template(source: str, name: str, names: dict[str, Any]) -> Any:
    """Return the function called ``name`` that the source defines.

    Args:
        source: Python source of one function.
        name: the function's name in the source.
        names: what the source may refer to.
    """
    namespace = dict(names)
    code = compile(source, f"<refold template {name}>", "exec")
    exec(code, namespace)  # noqa: S102  # a template of this package, see the module's docstring
    return namespace[name]
