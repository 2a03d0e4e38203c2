"""What attrs validators say about a field's values, as far as values can be made by it.

What belongs here: reading validators.  What does not: making values, which `sketches_of_type` does.

A validator of the user's own is only asked.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, TypeAlias

import attrs

from refold.testing.code_constants import in_any_order

__all__ = ["NO_RULES", "FieldRules", "read_rules"]

Validator: TypeAlias = Callable[[Any, Any, Any], Any]
"""``(instance, attribute, value)``; raises for a value that it refuses."""


@attrs.frozen
class _Unnamed:
    """Gives the field of rules that belong to none; validators name it in their messages."""

    value: Any


@attrs.frozen
class FieldRules:
    """What is known of the values that a field takes."""

    validators: tuple[Validator, ...] = ()
    """All that have to accept a value."""

    attribute: Any = None
    """The field, for the validators."""

    options: tuple[Any, ...] | None = None
    """The only values, if they are listed."""

    bounds: tuple[Any, ...] = ()
    """Values at which a comparison changes."""

    shortest: int = 0
    """The least length."""

    longest: int | None = None
    """The greatest length; None for any."""

    pattern: Any = None
    """A compiled pattern that a text matches; None for any text."""

    is_whole_match: bool = True
    """Whether the pattern must match the whole text, or only its beginning."""

    elements: tuple[Validator, ...] = ()
    """What has to accept each element."""

    keys: tuple[Validator, ...] = ()
    """What has to accept each key of a map."""

    values: tuple[Validator, ...] = ()
    """What has to accept each value of a map."""

    def accept(self, value: Any) -> bool:
        """Tell whether no validator refuses the value; one that reads other fields cannot tell."""
        for validator in self.validators:
            try:
                validator(None, self.attribute, value)
            except (TypeError, ValueError):
                return False
            except Exception:  # noqa: BLE001, S112  # it wants the whole record, which judges later
                continue
        return True

    def part(self, validators: Sequence[Validator]) -> FieldRules:
        """Return the rules of elements, keys or values."""
        return read_rules(validators, self.attribute)


NO_RULES: Final = FieldRules()


def read_rules(validators: Sequence[Validator], attribute: Any = None) -> FieldRules:
    """Return what validators say together.

    Args:
        validators: all of them have to accept a value.
        attribute: the field; None if it is none.
    """
    if not validators:
        return NO_RULES
    field = attrs.fields(_Unnamed).value if attribute is None else attribute
    rules = FieldRules(tuple(validators), field)
    return functools.reduce(_with, _flattened(validators), rules)


def _flattened(validators: Iterable[Any]) -> Iterable[Any]:
    for validator in validators:
        match type(validator).__name__:
            case "_AndValidator":
                yield from _flattened(validator._validators)  # noqa: SLF001  # attrs offers no other way
            case "_OptionalValidator":
                inner: Any = validator.validator
                is_several = inner.__class__ in {tuple, list}
                yield from _flattened(inner if is_several else [inner])
            case _:
                yield validator


def _with(rules: FieldRules, validator: Any) -> FieldRules:  # noqa: PLR0911  # a table of validators
    """Return the rules with what one of attrs' own validators says."""
    match type(validator).__name__:
        case "_InValidator":
            return attrs.evolve(rules, options=_listed(validator))
        case "_NumberValidator":
            return attrs.evolve(rules, bounds=(*rules.bounds, validator.bound))
        case "_MinLengthValidator":
            return attrs.evolve(rules, shortest=max(rules.shortest, validator.min_length))
        case "_MaxLengthValidator":
            known = rules.longest
            longest = validator.max_length if known is None else min(known, validator.max_length)
            return attrs.evolve(rules, longest=longest)
        case "_MatchesReValidator":
            is_whole = validator.match_func.__name__ == "fullmatch"
            return attrs.evolve(rules, pattern=validator.pattern, is_whole_match=is_whole)
        case "_DeepIterable":
            return _with_iterable(rules, validator)
        case "_DeepMapping":
            return _with_mapping(rules, validator)
        case _:
            return rules


def _with_iterable(rules: FieldRules, validator: Any) -> FieldRules:
    with_whole = _with_whole(rules, validator.iterable_validator)
    return attrs.evolve(with_whole, elements=(*rules.elements, validator.member_validator))


def _with_mapping(rules: FieldRules, validator: Any) -> FieldRules:
    keys = [one for one in (validator.key_validator,) if one is not None]
    values = [one for one in (validator.value_validator,) if one is not None]
    return attrs.evolve(
        _with_whole(rules, validator.mapping_validator),
        keys=(*rules.keys, *keys),
        values=(*rules.values, *values),
    )


def _with_whole(rules: FieldRules, validator: Any) -> FieldRules:
    return functools.reduce(_with, _flattened([validator] if validator is not None else []), rules)


def _listed(validator: Any) -> tuple[Any, ...]:
    # newer versions of attrs make a tuple of a set, in the order of its hashes
    options = getattr(validator, "_original_options", validator.options)
    is_set = options.__class__ in {frozenset, set}
    return tuple(in_any_order(options) if is_set else options)
