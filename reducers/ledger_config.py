"""`LedgerConfig`: what an application decides about its ledger."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import attrs

from refold.reducers.check_positive_number import check_positive_number

__all__ = ["LedgerConfig", "RestartPolicy"]

RestartPolicy: TypeAlias = Literal["boundary", "clear"]
"""Whether a restart keeps the ledger and marks where it happened, or empties it."""


def _check_count_or_none(_config: object, field: attrs.Attribute[Any], value: object) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int):
        message = f"{field.name} must be an int, or None for no limit, got {value!r}"
        raise TypeError(message)
    if value < 1:
        message = f"{field.name} must be 1 or more, or None for no limit, got {value!r}"
        raise ValueError(message)


@attrs.frozen(kw_only=True)
class LedgerConfig:
    """What an application decides about its ledger.

    Raises:
        TypeError: a value is of the wrong type.
        ValueError: a value is out of its range.
    """

    restart_policy: RestartPolicy = attrs.field(
        default="boundary", validator=attrs.validators.in_(("boundary", "clear"))
    )
    """What a restart does with the ledger; a boundary keeps it for audits."""

    max_events: int | None = attrs.field(default=10_000, validator=_check_count_or_none)
    """Events that are kept in realtime mode; None for all."""

    max_age_ms: int | None = attrs.field(default=None, validator=_check_count_or_none)
    """How much older than the newest event a kept one may be, in realtime mode; None for any age.
    Events are evicted from the front only; one without a time goes with the next one that has
    one."""

    keep_raw_payload: bool = attrs.field(
        default=False, validator=attrs.validators.instance_of(bool)
    )
    """Whether events keep what came with them."""

    max_wait_seconds: float = attrs.field(default=4.0, validator=check_positive_number)
    """Where the bar of a waiting player is full."""
