"""The three action classes of an asynchronous operation, and the matchers over them.

What belongs here: `operation_actions` and its records.  What does not: running an operation.
"""

from __future__ import annotations

from typing import Any, assert_type, cast

import attrs
import pytest

from refold.actions.action import Action
from refold.actions.operation_actions import (
    OperationError,
    is_fulfilled,
    is_pending,
    is_rejected,
    is_settled,
    operation_actions,
)
from refold.actions.registry import find_action_class
from refold.errors import ActionDeclarationError, ValueTypeError
from refold.reducers.reducer import Reducer

fetch = operation_actions("operation_actions/fetch_page", argument=str, value=int)
unserialisable = operation_actions(
    "operation_actions/unserialisable", argument=cast("type[Any]", list), value=int
)


def failure() -> OperationError:
    """Return the plain data of a failure."""
    return OperationError(name="TimeoutError", message="too late", code="504", stack="line 1")


def test_each_kind_is_a_declared_action_of_the_operations_group() -> None:
    """Pending, fulfilled and rejected are action classes with three wire names in one group."""
    classes = (fetch.pending, fetch.fulfilled, fetch.rejected)
    names = [each.wire_name for each in classes]
    assert len(set(names)) == 3
    for each, kind in zip(classes, ("pending", "fulfilled", "rejected"), strict=True):
        assert issubclass(each, Action)
        assert each.wire_name.startswith("operation_actions/fetch_page")
        assert kind in each.wire_name
        assert find_action_class(each.wire_name) is each


def test_fields_are_the_request_the_argument_and_what_came_of_it() -> None:
    """Each kind has request id and argument; a settled one has its value or its error."""
    pending = fetch.pending("r1", "page")
    assert (pending.request_id, pending.argument) == ("r1", "page")
    fulfilled = fetch.fulfilled(request_id="r1", argument="page", value=7)
    assert (fulfilled.request_id, fulfilled.argument, fulfilled.value) == ("r1", "page", 7)
    rejected = fetch.rejected(request_id="r1", argument="page", error=failure())
    assert (rejected.request_id, rejected.argument) == ("r1", "page")
    assert rejected.error == failure()
    assert pending.at_ms is None


def test_error_is_plain_frozen_data() -> None:
    """An operation's error holds name, message, code and stack, never an exception object."""
    error = failure()
    assert attrs.asdict(error) == {
        "name": "TimeoutError",
        "message": "too late",
        "code": "504",
        "stack": "line 1",
    }
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        setattr(error, "message", "other")  # noqa: B010  # the type checkers would refuse the other


def test_error_may_lack_code_and_stack() -> None:
    """An operation's error may know neither a code nor a stack."""
    error = OperationError(name="OSError", message="gone", code=None, stack=None)
    assert (error.code, error.stack) == (None, None)


def test_kinds_are_routed_by_reducers_like_any_action() -> None:
    """A reducer handles each kind by its class."""
    reducer = Reducer("idle")
    reducer.on(fetch.pending)(lambda _state, action: f"asking for {action.argument}")
    reducer.on(fetch.fulfilled)(lambda _state, action: f"got {action.value}")
    reducer.on(fetch.rejected)(lambda _state, action: action.error.message)
    assert reducer(None, fetch.pending("r1", "page")) == "asking for page"
    assert reducer(None, fetch.fulfilled("r1", "page", 7)) == "got 7"
    assert reducer(None, fetch.rejected("r1", "page", failure())) == "too late"


def test_types_of_argument_and_value_are_known_to_the_type_checkers() -> None:
    """The fields have the types that were given for argument and value."""
    assert_type(fetch.pending("r1", "page").argument, str)
    assert_type(fetch.fulfilled("r1", "page", 7).value, int)


def test_matchers_narrow_nothing_away_from_other_actions() -> None:
    """A settled action is not pending, and only one of fulfilled and rejected."""
    fulfilled = fetch.fulfilled("r1", "page", 7)
    answers = [make(fetch)(fulfilled) for make in (is_pending, is_fulfilled, is_rejected)]
    assert answers == [False, True, False]
    assert is_settled(fetch)(fulfilled) is True


@pytest.mark.parametrize("name", ["", "fetch", "/fetch", "operation_actions/"])
def test_ill_formed_name_is_refused(name: str) -> None:
    """An operation's name is `group/name` like that of an action."""
    with pytest.raises(ActionDeclarationError):
        operation_actions(name, argument=str, value=int)


def test_types_that_no_action_may_carry_are_refused_at_first_use() -> None:
    """An argument type that could change is refused when a reducer first handles the action."""
    reducer = Reducer(0)
    kinds: tuple[Any, ...] = (
        unserialisable.pending,
        unserialisable.fulfilled,
        unserialisable.rejected,
    )
    for each in kinds:
        with pytest.raises(ValueTypeError, match="argument"):
            reducer.on(each)(lambda state, _action: state)
