"""What became of each class since the schema was locked: fine, risky or impossible.

What belongs here: comparing, and what to do.  What does not: making the payloads on which upcasters
are proven, which needs a library of tests: it is given from outside.
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeAlias

import attrs

from refold.actions.registry import find_action_class
from refold.replay.schema import ClassSchema, Field, Schema, leads_on
from refold.replay.schema_forms import sorted_json
from refold.replay.upcaster_chain import chain_problem, explain_missing_step, orphan_problems

__all__ = ["Judgement", "Proof", "Prove", "Verdict", "judge_schema"]

Verdict: TypeAlias = Literal["fine", "risky", "impossible"]
"""Old logs are read as they were meant; they may not be; some are not read at all."""

ROOT_STATE = "(root state)"
"""Stands for a class name where the root itself is another type than the locked one."""


@attrs.frozen
class Proof:
    """What became of payloads made from a locked version of a class."""

    tried: int
    """How many were read."""

    payload: Any = None
    """The smallest one found that could not be read."""

    error: str | None = None
    """Why not; None if all were read."""


Prove: TypeAlias = Callable[[str, int], Proof]
"""Read payloads of a locked version of a class by the loaded class and its upcasters."""


@attrs.frozen
class Judgement:
    """What became of one class."""

    name: str

    verdict: Verdict

    reason: str

    locked_version: int | None
    """None if the class was not locked."""

    version: int | None
    """None if it is not loaded, or not handled, any more."""

    advice: str | None = None
    """What to do; None if nothing is to be done."""

    payload: Any = None
    """The payload of the locked version that cannot be read; None if there is none."""


def judge_schema(old: Schema, new: Schema, prove: Prove) -> list[Judgement]:
    """Return a judgement of each class, in the order of their names.

    Args:
        old: the schema that was locked.
        new: the schema of the loaded classes.
        prove: tries payloads of a locked version; called only for what changed or has upcasters.
    """
    made = [
        _judge(name, old.classes.get(name), new.classes.get(name), prove)
        for name in sorted({*old.classes, *new.classes})
    ]
    made += [
        Judgement(name, "impossible", "its upcasters lead nowhere", None, None, problem)
        for name, problem in orphan_problems().items()
        if name not in old.classes
    ]
    if old.state != new.state:
        reason = f"was {_short(old.state)}, is {_short(new.state)}"
        advice = "logs that start from a given state may not be read; replay one, then lock"
        made.append(Judgement(ROOT_STATE, "risky", reason, None, None, advice))
    return made


def _judge(name: str, old: ClassSchema | None, new: ClassSchema | None, prove: Prove) -> Judgement:
    if new is None:
        return _judge_gone(name, old)
    if old is None:
        problem = _chain_problem(new)
        verdict: Verdict = "fine" if problem is None else "impossible"
        return Judgement(name, verdict, "is new", None, new.version, problem)
    return _judge_kept(name, old, new, prove)


def _judge_kept(name: str, old: ClassSchema, new: ClassSchema, prove: Prove) -> Judgement:
    def say(
        verdict: Verdict, reason: str, advice: str | None = None, payload: Any = None
    ) -> Judgement:
        return Judgement(name, verdict, reason, old.version, new.version, advice, payload)

    changes = _changes(old, new)
    broken = _broken_chain(old, new, changes)
    if broken is not None:
        return say("impossible", *broken)
    tried = 0
    for version in _versions_to_prove(old, new, is_changed=bool(changes)):
        proof = prove(name, version)
        if proof.error is not None:
            advice = _advice(new, version) if version == new.version else "correct the upcaster"
            reason = f"a payload of version {version} cannot be read ({changes or 'unchanged'})"
            return say("impossible", f"{reason}: {proof.error}", advice, proof.payload)
        tried += proof.tried
    if changes and old.version == new.version:
        reason = f"changed without a new version: {changes}"
        return say("risky", reason, _advice(new, old.version))
    told = f"version {old.version} became {new.version}" if changes else "is as it was"
    return say("fine", f"{told}; {tried} older payloads are read" if tried else told)


def _judge_gone(name: str, old: ClassSchema | None) -> Judgement:
    version = None if old is None else old.version
    if old is not None and old.kind != "action":
        return Judgement(name, "fine", "no loaded class holds it any more", version, None)
    if find_action_class(name) is not None:
        advice = "if that is meant, lock the schema again"
        reason = "no handler is declared for it any more: it is read, and changes nothing"
        return Judgement(name, "risky", reason, version, None, advice)
    advice = "keep the class as long as logs have it; or, if none does, lock the schema again"
    reason = "no loaded module declares it: logs that have it cannot be read"
    return Judgement(name, "impossible", reason, version, None, advice)


def _broken_chain(old: ClassSchema, new: ClassSchema, changes: str) -> tuple[str, str] | None:
    """Return why no payload at all of a locked version can be read, and what to do."""
    if old.kind != new.kind:
        return f"was {_named(old)}, is {_named(new)}", "give the new one another name"
    if new.version < old.version:
        reason = f"went back from version {old.version} to {new.version}"
        return reason, "versions only go up; restore it, or give the class another name"
    problem = _chain_problem(new)
    if problem is not None:
        return "its upcasters make no whole chain", problem
    for version in sorted(old.fields_by_version()):
        if version < new.version and not leads_on(new, version):
            what = changes if version == old.version and changes else "no field changed"
            return f"version {version} cannot be read any more ({what})", _advice(new, version)
    return None


def _versions_to_prove(old: ClassSchema, new: ClassSchema, *, is_changed: bool) -> list[int]:
    known = sorted(old.fields_by_version())
    return [v for v in known if v < new.version or (is_changed and v == new.version)]


def _changes(old: ClassSchema, new: ClassSchema) -> str:
    """Return what is different in the fields, in words; empty if nothing is."""
    if old.kind == "row" and list(old.fields) != list(new.fields):
        return f"fields {', '.join(old.fields)} became {', '.join(new.fields)}"
    told = [f"{name} is gone" for name in old.fields if name not in new.fields]
    for name, field in new.fields.items():
        before = old.fields.get(name)
        if before != field:
            told.append(_change(name, before, field))
    if not told and old.version != new.version:
        return "only the version"
    return "; ".join(told)


def _change(name: str, before: Field | None, after: Field) -> str:
    if before is None:
        return f"{name} is new, {'required' if after.required else 'with a default'}"
    if before.form != after.form:
        return f"{name} was {_short(before.form)}, is {_short(after.form)}"
    return f"{name} {'lost its default' if after.required else 'got a default'}"


def _short(form: Any) -> str:
    """Return a form in few words."""
    if isinstance(form, Mapping):
        parts = typing.cast("Mapping[str, Any]", form)
        if "record" in parts:
            return str(parts["record"])
        if "members" in parts:
            return f"{parts['enum']}({', '.join(parts['members'])})"
        if "union" in parts:
            choices = [_short(one) for one in parts["union"].values()]
            return " | ".join([*choices, "none"] if parts["none"] else choices)
        (name, inner) = next(iter(parts.items()))
        inside: list[Any] = [*inner] if isinstance(inner, list) else [inner]
        return f"{name}[{', '.join(map(_short, inside))}]"
    return form if isinstance(form, str) else sorted_json(form)


def _named(one: ClassSchema) -> str:
    return {"action": "an action", "record": "an attrs class", "row": "a NamedTuple"}[one.kind]


def _advice(new: ClassSchema, version: int) -> str:
    """Return how to make the class's payloads of a version readable."""
    cls: Any = typing.get_origin(new.tp) or new.tp
    if new.kind == "row":
        return "make it an attrs.frozen class, which can have a version; or restore its fields"
    step = explain_missing_step(cls, version)
    if version < new.version:
        return step
    number = version + 1
    raised = (
        f"write @action(..., version={number})"
        if new.kind == "action"
        else f"write wire_version: ClassVar[int] = {number} in it"
    )
    return f"{raised}, and {step}"


def _chain_problem(new: ClassSchema) -> str | None:
    cls: Any = typing.get_origin(new.tp) or new.tp
    return chain_problem(cls) if new.kind != "row" else None
