"""Declaring action classes: wire names, versions, `at_ms`, frozen and slotted instances.

What belongs here: what `@action` makes of a class.  What does not: which field types are allowed.
"""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

import attrs
import pytest

from refold.actions.action import Action, action
from refold.actions.registry import find_action_class
from refold.errors import ActionDeclarationError, WireNameTakenError

if TYPE_CHECKING:
    from pathlib import Path


@action("declaring/seat_taken")
class SeatTaken(Action):
    """Somebody sat down."""

    seat: int
    guest: str = "nobody"


@action("declaring/seat_left", version=3)
class SeatLeft(Action):
    """Somebody got up."""

    seat: int


@action("declaring/Letters-1.2_and.dots")
class OddlyNamed(Action):
    """A wire name with every kind of character that is allowed."""


def declare_again() -> type[Action]:
    """Declare a class of one qualified name, each time anew, as a reload does."""

    @action("declaring/declared_again")
    class DeclaredAgain(Action):
        """Declared more than once."""

        number: int = 0

    return DeclaredAgain


def test_class_keeps_wire_name_and_version() -> None:
    """The wire name is the one given; the version is 1 unless another is given."""
    assert SeatTaken.wire_name == "declaring/seat_taken"
    assert SeatTaken.wire_version == 1
    assert SeatLeft.wire_version == 3
    assert OddlyNamed.wire_name == "declaring/Letters-1.2_and.dots"


@pytest.mark.parametrize(
    "wire_name",
    [
        "",
        " ",
        "/",
        "seat",
        "/seat",
        "declaring/",
        "declaring//seat",
        "declaring/seat taken",
        " declaring/seat",
        "declaring/seat\n",
        "declaring/seat:taken",
        "declaring/sëat",
        "declaring/séat\u0301",
        None,
        42,
        b"declaring/seat",
        ("declaring", "seat"),
    ],
    ids=repr,
)
def test_ill_formed_wire_name_is_refused(wire_name: object) -> None:
    """A wire name that is not `group/name` of letters, digits, `_`, `-` and `.` is refused."""
    with pytest.raises(ActionDeclarationError) as raised:

        @action(cast("Any", wire_name))
        class Refused(Action):  # pyright: ignore[reportUnusedClass]  # declaring it is the test
            """Never declared."""

    assert isinstance(raised.value, TypeError)
    text = str(raised.value)
    assert "group/" in text
    assert repr(wire_name) in text or type(wire_name).__name__ in text


def test_decorator_without_a_wire_name_is_refused() -> None:
    """`@action` without parentheses raises at once, and does not replace the class by something."""
    with pytest.raises(ActionDeclarationError):

        @cast("Any", action)
        class Refused(Action):  # pyright: ignore[reportUnusedClass]  # declaring it is the test
            """Never declared."""


def test_refused_declaration_claims_no_wire_name() -> None:
    """A class that was refused cannot be found afterwards."""
    with pytest.raises(ActionDeclarationError):
        action("declaring/")(type("Refused", (Action,), {}))
    assert find_action_class("declaring/") is None


def test_wire_name_of_another_class_is_taken() -> None:
    """A second class cannot claim a wire name; both classes are named, and the first keeps it."""
    with pytest.raises(WireNameTakenError) as raised:

        @action("declaring/seat_taken")
        class SeatTakenByAnother(Action):  # pyright: ignore[reportUnusedClass]
            """Claims a name that is taken."""

    assert isinstance(raised.value, ValueError)
    for expected in ("declaring/seat_taken", "SeatTaken", "SeatTakenByAnother"):
        assert expected in str(raised.value)
    assert find_action_class("declaring/seat_taken") is SeatTaken


def test_same_name_with_another_version_is_taken_too() -> None:
    """A version does not make a wire name another one."""
    with pytest.raises(WireNameTakenError):

        @action("declaring/seat_left", version=4)
        class SeatLeftOfLater(Action):  # pyright: ignore[reportUnusedClass]
            """Claims a name that is taken."""

    assert find_action_class("declaring/seat_left") is SeatLeft


def test_redeclaring_the_same_qualified_class_replaces_it() -> None:
    """A reload may declare its classes again; the newer one is found from then on."""
    older = declare_again()
    assert find_action_class("declaring/declared_again") is older
    newer = declare_again()
    assert newer is not older
    assert find_action_class("declaring/declared_again") is newer


RELOADED_MODULE = '''
from refold.actions.action import Action, action


@action("declaring/reloaded_with_its_module")
class ReloadedWithItsModule(Action):
    """Declared again whenever its module is."""

    number: int
'''


def load(name: str, path: Path) -> ModuleType:
    """Run a file as a module of a given name."""
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def test_module_can_be_loaded_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Loading a module of actions a second time is allowed; under another name it is not."""
    path = tmp_path / "reloaded_actions.py"
    path.write_text(RELOADED_MODULE, encoding="utf-8")
    for name in ("declaring_reloaded", "declaring_copied"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    first = load("declaring_reloaded", path)
    again = load("declaring_reloaded", path)
    assert again.ReloadedWithItsModule is not first.ReloadedWithItsModule
    assert find_action_class("declaring/reloaded_with_its_module") is again.ReloadedWithItsModule
    with pytest.raises(WireNameTakenError, match="declaring_reloaded"):
        load("declaring_copied", path)


@pytest.mark.parametrize("version", [0, -1, 1.5, "2", None, True], ids=repr)
def test_version_is_a_whole_number_from_1(version: object) -> None:
    """A version that is not 1, 2, 3… is refused when the class is declared."""
    with pytest.raises(ActionDeclarationError, match="version"):

        @action("declaring/ill_versioned", version=cast("Any", version))
        class IllVersioned(Action):  # pyright: ignore[reportUnusedClass]
            """Never declared."""


def test_at_ms_is_none_unless_given() -> None:
    """Every action has `at_ms`, None until somebody says when it happened."""
    assert SeatTaken(1).at_ms is None
    assert SeatTaken(1, at_ms=1_700_000_000_000).at_ms == 1_700_000_000_000


def test_at_ms_is_keyword_only() -> None:
    """`at_ms` never takes the place of a field that was given by position."""
    assert SeatTaken(1, "ada") == SeatTaken(seat=1, guest="ada")
    with pytest.raises(TypeError):
        cast("Any", SeatTaken)(1, "ada", 1_700_000_000_000)
    assert attrs.fields_dict(cast("Any", SeatTaken))["at_ms"].kw_only is True


def test_at_ms_is_left_out_of_equality_and_hash() -> None:
    """Two actions that say the same are equal, whenever they happened."""
    early, late = SeatTaken(1, "ada", at_ms=1), SeatTaken(1, "ada", at_ms=2)
    assert early == late
    assert hash(early) == hash(late)
    assert early != SeatTaken(2, "ada", at_ms=1)
    assert len({early, late, SeatTaken(1, "ada")}) == 1


def test_actions_of_different_classes_are_never_equal() -> None:
    """Actions with equal fields but another class are different actions."""
    assert cast("Any", SeatTaken(1)) != SeatLeft(1)


def test_actions_are_frozen() -> None:
    """No field of an action can be set or deleted, `at_ms` included."""
    taken = SeatTaken(1)
    for name in ("seat", "guest", "at_ms"):
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            setattr(taken, name, 5)
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            delattr(taken, name)
    assert taken == SeatTaken(1)


def test_actions_are_slotted() -> None:
    """An action has no dictionary, so nothing can be hung on it."""
    taken = SeatTaken(1)
    assert not hasattr(taken, "__dict__")
    with pytest.raises(AttributeError):
        setattr(taken, "remark", "late")  # noqa: B010  # the type checkers would refuse the other


def test_actions_are_attrs_records() -> None:
    """The functions of attrs know an action and its fields."""
    taken: Any = SeatTaken(1, at_ms=7)
    kind: type[Any] = taken.__class__
    assert attrs.has(kind)
    assert {field.name for field in attrs.fields(kind)} == {"seat", "guest", "at_ms"}
    assert attrs.evolve(taken, seat=2) == SeatTaken(2)
    assert attrs.evolve(taken, seat=2).at_ms == 7
    assert "seat=1" in repr(taken)


def test_matches_own_instances_only() -> None:
    """`matches` is true for instances with the class's wire name, and false for all else."""
    assert SeatTaken.matches(SeatTaken(1)) is True
    for other in (SeatLeft(1), SeatTaken, None, 1, "declaring/seat_taken", object()):
        assert SeatTaken.matches(other) is False


def test_matches_knows_instances_of_a_redeclared_class() -> None:
    """An action made before a reload still matches after it, and the other way round."""
    older, newer = declare_again(), declare_again()
    assert newer.matches(older()) is True
    assert older.matches(newer()) is True
