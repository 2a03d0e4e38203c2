"""Importing the Python peers, none of which has to be there.

What belongs here: finding a library and its version.  What does not: using it.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import warnings
from typing import Any

from contestant import ContestantMissingError

__all__ = ["import_peer", "version_of"]


def import_peer(module: str, distribution: str) -> Any:  # a library without types
    """Return a peer's module.

    Args:
        module: what to import.
        distribution: what it is called where it is installed from.

    Raises:
        ContestantMissingError: it is not installed, or does not import on this Python.
    """
    if version_of(distribution) is None:
        message = f"{distribution} is not installed"
        raise ContestantMissingError(message)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an old peer's deprecations are not ours
            return importlib.import_module(module)
    except Exception as error:
        message = f"{distribution} does not import here: {type(error).__name__}: {error}"
        raise ContestantMissingError(message) from error


def version_of(distribution: str) -> str | None:
    """Return the installed version; None if it is not installed."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None
