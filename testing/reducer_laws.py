"""The laws, each a function over one step of a run or a whole run; it raises if it is broken.

What belongs here: the tests of the laws.  What does not: in which order and how often they are
made, which `law_checker` says, and the text that a person reads, which `broken_law_message` writes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final, NoReturn

import attrs
import orjson

from refold.actions.action import Action, action
from refold.errors import BrokenLawError, PayloadError, ValueTypeError
from refold.reducers.combine_reducers import CombinedReducer
from refold.reducers.reducer import Reducer
from refold.replay.action_codec import decode_action, decode_state, encode_payload, encode_state
from refold.replay.canonical_digest import canonical_digest
from refold.replay.log_record import LogRecord
from refold.store.store import Store
from refold.testing.exact_difference import Difference, first_difference
from refold.testing.laws import (
    DEEPLY_IMMUTABLE,
    FOLD_EQUALS_LIVE,
    INPUT_UNTOUCHED,
    INVARIANT,
    LOG_ROUND_TRIP,
    NEVER_RAISES,
    SAME_INPUT_SAME_OUTPUT,
    UNKNOWN_ACTION,
)
from refold.testing.other_clock import EARLY, LATE, at_moment
from refold.testing.same_state_in_another_order import same_state_in_another_order

if TYPE_CHECKING:
    from refold.middleware.known_parts import KnownParts
    from refold.replay.cell_fold import CellFold
    from refold.testing.invariants import Invariant
    from refold.testing.laws import Law

__all__ = [
    "Step",
    "fold_without_raising",
    "law_deeply_immutable",
    "law_fold_equals_live",
    "law_input_untouched",
    "law_invariant",
    "law_log_round_trip",
    "law_same_input_same_output",
    "law_same_output_in_another_order",
    "law_unknown_action_keeps_identity",
    "read_from_log",
]


@action("refold_testing/nobody_handles_this")
class _NobodyHandlesThis(Action):
    """What no application knows."""


@attrs.frozen
class Step:
    """One action of a run, with the states around it."""

    reducer: Reducer[Any]
    """What folds."""

    actions: tuple[Action, ...]
    """The run up to this step; none for the initial state."""

    before: Any
    """The state before."""

    after: Any
    """What the reducer gave in the live run."""

    @property
    def index(self) -> int:
        """Where the action stands in the run; -1 for the initial state."""
        return len(self.actions) - 1

    @property
    def action(self) -> Action:
        """The action."""
        return self.actions[-1]

    def breaks(
        self, law: Law, what: str, difference: Difference, error: BaseException | None = None
    ) -> NoReturn:
        """Raise that the law is broken here.

        Args:
            law: which.
            what: in words what was seen, as the beginning of a sentence that the place ends.
            difference: where, what is expected and what was found.
            error: what was raised instead, if something was.

        Raises:
            BrokenLawError: always.
        """
        raise BrokenLawError(
            what,
            law=law.name,
            actions=self.actions,
            index=self.index,
            path=difference.path,
            expected=difference.expected,
            found=difference.found,
        ) from error


@attrs.frozen
class _Raised:
    """Stands for the result of a call that raised."""

    error: Exception

    def __repr__(self) -> str:
        return f"it raised {type(self.error).__name__}: {self.error}"


def fold_without_raising(reducer: Reducer[Any], actions: tuple[Action, ...], before: Any) -> Any:
    """Return the state after the last of the actions.

    Raises:
        BrokenLawError: the reducer raised.
    """
    __tracebackhide__ = True
    try:
        return reducer(before, actions[-1])
    except Exception as error:  # noqa: BLE001  # whatever it is, it is told
        what = f"the last action made it raise {type(error).__name__}: {error}"
        step = Step(reducer, actions, before, before)
        step.breaks(NEVER_RAISES, what, Difference("", "a state", error), error)


def law_input_untouched(
    step: Step, state_digest: str, action_digest: str, start: Callable[[], Any]
) -> None:
    """The state and the action are as they were before the call.

    Args:
        step: the step, after the call.
        state_digest: the canonical digest of the state before the call.
        action_digest: that of the action.
        start: gives a copy of the initial state at each call.
    """
    for which, value, digest in (
        ("state", step.before, state_digest),
        ("action", step.action, action_digest),
    ):
        if canonical_digest(value) == digest:
            continue
        found = None
        if which == "state":
            found = first_difference(_folded(step, step.actions[:-1], start()), value)
        difference = found or Difference(type(value).__name__, "what it was", value)
        step.breaks(
            INPUT_UNTOUCHED, f"the last action changed the {which} it was given", difference
        )


def law_same_input_same_output(step: Step) -> None:
    """Called again the reducer gives the same: at once, with other chance, and at another time."""
    with at_moment(EARLY, 1):
        early = _result(step.reducer, step.before, step.action)
    with at_moment(EARLY, 2):
        other_chance = _result(step.reducer, step.before, step.action)
    with at_moment(LATE, 1):
        late = _result(step.reducer, step.before, step.action)
    for what, expected, found in (
        ("called again with the same state and action", early, other_chance),
        ("called again when the clock showed another time", early, late),
        ("called again with the same state and action", step.after, early),
    ):
        difference = first_difference(expected, found)
        if difference is not None:
            step.breaks(
                SAME_INPUT_SAME_OUTPUT, f"{what}, the reducer gave another result", difference
            )


def law_same_output_in_another_order(step: Step) -> None:
    """An equal state and action, whose maps and sets iterate otherwise, give the same result.

    Two orders that do not depend on PYTHONHASHSEED are compared with each other, so that the same
    run fails in every process.
    """
    one, other = (
        (
            same_state_in_another_order(step.before, descending=descending),
            same_state_in_another_order(step.action, descending=descending),
        )
        for descending in (False, True)
    )
    if one[0] is step.before and one[1] is step.action:
        return
    expected, found = _result(step.reducer, *one), _result(step.reducer, *other)
    difference = first_difference(expected, found)
    if difference is not None:
        what = "called again with maps and sets that iterate in another order, the reducer gave"
        step.breaks(SAME_INPUT_SAME_OUTPUT, f"{what} another result", difference)


def law_unknown_action_keeps_identity(step: Step) -> None:
    """An action of a class that nobody declared a handler for leaves the identical state.

    A handler of every action (``otherwise``, or a matcher that takes it) may change the state; an
    equal but new one tells subscribers of a change that is none.
    """
    state = step.after
    found = _result(step.reducer, state, _NobodyHandlesThis())
    if found is state:
        return
    difference = first_difference(state, found)
    if difference is not None and _handles_every_action(step.reducer):
        return
    what = "for an action that no reducer knows it gave another state"
    if difference is None:
        what = "for an action that no reducer knows it gave an equal, but new state"
    step.breaks(UNKNOWN_ACTION, what, difference or _new_part(state, found))


def law_deeply_immutable(step: Step, known: KnownParts) -> None:
    """Nothing in the state after a step can change in place, by its type or by what it is.

    Args:
        step: the step.
        known: the parts that were looked at in earlier steps of the run.
    """
    if step.index < 0 or type(step.after) is not type(step.before):
        try:
            step.reducer.check_state_type(step.after, type(step.after).__name__)
        except ValueTypeError as error:
            difference = Difference(error.path, "an immutable type", error)
            step.breaks(DEEPLY_IMMUTABLE, "a type allows changes in place", difference)
    for part, path, shape in known.walk_unknown(step.after, type(step.after).__name__):
        if not shape.is_serialisable or _takes_assignments(part):
            difference = Difference(path, "a value that cannot change", part)
            what = f"the state holds a {type(part).__name__}, which can change in place"
            step.breaks(DEEPLY_IMMUTABLE, what, difference)


def law_log_round_trip(step: Step, *, with_state: bool) -> None:
    """An action and a state that were written and read are the same, and lead to the same result.

    Args:
        step: the step.
        with_state: whether the state's class says all that reading it takes; a bare collection, a
            generic class and one inside a function do not.
    """
    is_start = step.index < 0
    state = _through_log(step, _state_through_log, step.before) if with_state else step.before
    if is_start:
        return
    action = _through_log(step, read_from_log, step.action)
    found = _result(step.reducer, state, action)
    difference = first_difference(step.after, found)
    if difference is not None:
        what = "with state and action read from a log, the reducer gave another result"
        step.breaks(LOG_ROUND_TRIP, what, difference)


def law_invariant(step: Step, invariant: Invariant) -> None:
    """An invariant does not return False, nor raise.

    Args:
        step: the step; its index is -1 for the initial state.
        invariant: one that can be asked for this step.
    """
    error: Exception | None = None
    found: object = False
    try:
        if invariant.holds(step):
            return
        what = f"the invariant {invariant.name} returned False"
    except Exception as raised:  # noqa: BLE001  # an assertion, or a bug in it: both are told
        error = found = raised
        words = f"{type(raised).__name__}: {raised}".splitlines()[0].removesuffix(": ")
        what = f"the invariant {invariant.name} raised {words}"
    step.breaks(INVARIANT, what, Difference("", True, found), error)  # noqa: FBT003  # what is expected


def law_fold_equals_live(
    step: Step, start: Callable[[], Any], states: Sequence[Any], cells: CellFold[Any]
) -> None:
    """A whole run leads to the same state through a store, and folded as `replay` folds a log.

    Args:
        step: the last one of the run.
        start: gives a copy of the initial state at each call.
        states: the live states after each action.
        cells: the compiled steps of the reducer.
    """
    live = states[-1]
    records = [read_from_log(action, seq) for seq, action in enumerate(step.actions, start=1)]
    folded = cells.fold(start(), records)
    if folded is None:  # the straight way does not fit this reducer
        folded = _folded(step, records, start())
    store: Store[Any] = Store(step.reducer, state=start())
    for each in step.actions:
        store.dispatch(each)
    for what, found in (("folded from its log", folded), ("dispatched to a store", store.state)):
        difference = first_difference(live, found)
        if difference is not None:
            step.breaks(FOLD_EQUALS_LIVE, f"{what}, the run led to another state", difference)


def read_from_log(action: Action, seq: int = 1) -> Action:
    """Return an action as it comes back from a log.

    Raises:
        PayloadError: a value does not fit its declared type.
        ValueTypeError: a field's type cannot be serialised.
    """
    payload = orjson.loads(orjson.dumps(encode_payload(action)))
    name, version = action.wire_name, action.wire_version
    return decode_action(
        LogRecord(seq, f"law-{seq}", name, version, action.at_ms, None, "app", payload)
    )


def _state_through_log(state: Any) -> Any:
    cls: type[Any] = state.__class__
    return decode_state(orjson.loads(orjson.dumps(encode_state(state))), cls)


def _through_log(step: Step, read: Callable[[Any], Any], value: Any) -> Any:
    """Return a value as it comes back from a log, if it comes back the same."""
    try:
        found = read(value)
    except (PayloadError, ValueTypeError) as error:
        misfit = Difference(error.path, "a value that fits its declared type", error)
        step.breaks(LOG_ROUND_TRIP, "a log cannot carry a value", misfit)
    difference = first_difference(value, found)
    if difference is not None:
        what = "written to a log and read again, it is not the same"
        step.breaks(LOG_ROUND_TRIP, what, difference)
    return found


def _result(reducer: Reducer[Any], state: Any, action: Action) -> Any:
    try:
        return reducer(state, action)
    except Exception as error:  # noqa: BLE001  # compared like any other result
        return _Raised(error)


def _folded(step: Step, actions: Iterable[Action], state: Any) -> Any:
    for each in actions:
        state = _result(step.reducer, state, each)
    return state


def _new_part(state: Any, found: Any) -> Difference:
    """Return the innermost field in which two equal states are not identical."""
    path = type(state).__name__
    while attrs.has(state.__class__):
        names = [field.name for field in attrs.fields(state.__class__)]
        new = [n for n in names if getattr(state, n, None) is not getattr(found, n, None)]
        if not new:
            break
        path = f"{path}.{new[0]}"
        state, found = getattr(state, new[0]), getattr(found, new[0])
    return Difference(path, "the identical object", "an equal, but new one")


def _handles_every_action(reducer: Reducer[Any]) -> bool:
    """Tell whether a handler was declared that takes actions of any class."""
    if isinstance(reducer, CombinedReducer):
        plan = reducer.plan_for(_NobodyHandlesThis)
        has_own = plan.root is not None
        return has_own or any(map(_handles_every_action, reducer.slices.values()))
    return reducer.function is None and reducer.step_for(_NobodyHandlesThis) is not None


_ASSIGN: Final = object.__setattr__


def _takes_assignments(part: Any) -> bool:
    cls: Any = part.__class__
    return attrs.has(cls) and cls.__setattr__ is _ASSIGN
