"""`try_mutant`: whether `check_reducer_laws` finds what is wrong with a mutant.

What belongs here: loading one mutant and checking it, in a process of its own.  What does not:
processes.
"""

from __future__ import annotations

import importlib
import sys
import warnings
from types import ModuleType
from typing import Final, Literal

import attrs
from hypothesis import HealthCheck, Phase, settings

from mutation.mutated_slice import MutatedSlice
from refold.errors import BrokenLawError
from refold.testing.check_laws import check_reducer_laws

__all__ = ["Outcome", "Verdict", "try_mutant"]

Outcome = Literal["killed", "survived", "does not load", "timeout"]
"""What came of a mutant; one that does not load is none that a test could meet."""

_MOST_INVARIANTS: Final = 3


@attrs.frozen
class Verdict:
    """What came of a mutant."""

    outcome: Outcome

    by: str = ""
    """The law that killed it, or the class of the exception."""

    text: str = ""
    """What was told of it."""


def try_mutant(one: MutatedSlice, source: str, examples: int) -> Verdict:
    """Load a mutant in the place of its module, and check its reducer.

    Args:
        one: which module.
        source: the mutated file.
        examples: how many runs are tried before it counts as a survivor.
    """
    warnings.simplefilter("ignore")
    try:
        _load(one, source)
        checks = importlib.import_module(one.invariants_module).CHECKS
        for reducer, _ in checks:
            _ = reducer.initial
    except Exception as error:  # noqa: BLE001  # whatever a mutant does
        return Verdict("does not load", repr(error))
    for reducer, invariants in checks:
        if len(invariants) > _MOST_INVARIANTS:
            message = f"{one.name} has more than {_MOST_INVARIANTS} invariants; leave some out"
            raise ValueError(message)
        try:
            check_reducer_laws(reducer, invariants, settings=_search(examples))
        except BrokenLawError as error:
            return Verdict("killed", error.law, str(error))
        except Exception as error:  # noqa: BLE001  # of the mutant or of an invariant
            return Verdict("killed", type(error).__name__, repr(error))
    return Verdict("survived")


def _search(examples: int) -> settings:
    """Return the same runs each time, without making a found one shorter."""
    return settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )


def _load(one: MutatedSlice, source: str) -> ModuleType:
    module = ModuleType(one.module)
    module.__file__ = one.path
    sys.modules[one.module] = module
    exec(compile(source, one.path, "exec"), module.__dict__)  # noqa: S102  # our own, mutated
    return module
