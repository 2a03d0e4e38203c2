"""`refold schema lock` and `refold schema check`: whether old logs stay readable.

What belongs here: the two commands and their forms of output.  What does not: comparing, which
`refold.replay.schema_verdict` does.
"""

from __future__ import annotations

import os
import sys
import tempfile
import textwrap
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs
import orjson
from cyclopts import App
from rich.console import Console
from rich.text import Text

from refold.commands.application import Application, find_named_application
from refold.commands.printable import printable
from refold.commands.report_error import DID_NOT_HOLD, CommandError, explain_raised
from refold.errors import RefoldError
from refold.replay.schema import Schema, schema_of
from refold.replay.schema_file import SchemaFileError, keep_history, read_schema, write_schema
from refold.replay.schema_forms import sorted_json
from refold.replay.schema_verdict import Judgement, Proof, Verdict, judge_schema
from refold.replay.upcaster_chain import check_upcasters

if TYPE_CHECKING:
    from collections.abc import Generator

    from refold.replay.schema_verdict import Prove

__all__ = ["make_schema_app"]

_FILE: Final = Path("refold-schema.json")
_STYLES: Final[dict[Verdict, str]] = {
    "fine": "green",
    "risky": "bold yellow",
    "impossible": "bold red",
}
_STORAGE: Final = "HYPOTHESIS_STORAGE_DIRECTORY"
_INDENT: Final = " " * 4
_LONGEST_PAYLOAD: Final = 400


def make_schema_app() -> App:
    """Return the command group `refold schema`."""
    app = App(
        name="schema",
        help="Lock the shape of actions and state, and check that old logs stay readable.",
        help_format="plaintext",
    )
    app.command(lock, help_format="plaintext")
    app.command(check, help_format="plaintext")
    return app


def lock(*, app: str | None = None, file: Path = _FILE) -> int:
    """Write down the classes that an application's logs are made of.

    Commit the file. It keeps earlier versions of a class as long as an
    upcaster leads from them.

    Example: refold schema lock --app shop.main:root

    Args:
        app: The root reducer, module:attribute; by default REFOLD_APP or app in [tool.refold].
        file: Where to; what stands there has to be a locked schema.

    Returns:
        0 if it was written, 2 if it cannot be.
    """
    application = _application(app)
    new = _schema_of(application)
    check_upcasters(application.reducer)
    if file.exists():
        new = keep_history(new, _read(file))
    written = file.with_name(f"{file.name}.new")
    try:
        written.write_bytes(write_schema(new))
        written.replace(file)
    except OSError as error:
        message = f"{file} cannot be written: {error}; give another --file"
        raise CommandError(message) from error
    sys.stdout.write(f"{printable(str(file))}: {_describe(new)}\n")
    return 0


def check(
    *,
    app: str | None = None,
    file: Path = _FILE,
    json: bool = False,
    payloads: int = 100,
    seed: int = 0,
) -> int:
    """Tell what became of each class since its schema was locked.

    fine: old logs are read as they were meant. risky: a class changed without
    a new version. impossible: some old records cannot be read. Upcasters are
    run on payloads made from the locked schema.

    Example: refold schema check --app shop.main:root --json

    Args:
        app: The root reducer, module:attribute; by default REFOLD_APP or app in [tool.refold].
        file: What refold schema lock wrote.
        json: Print one JSON object.
        payloads: How many payloads to make from each older version of a class.
        seed: Another number makes other payloads.

    Returns:
        0 if all classes are fine, 1 if one is not, 2 if it cannot be told.
    """
    if payloads < 1:
        message = f"--payloads {payloads} proves nothing; give 1 or more"
        raise CommandError(message)
    application = _application(app)
    old, new = _read(file), _schema_of(application)
    with _no_traces():
        judgements = judge_schema(old, new, _prover(old, new, payloads, seed))
    if json:
        sys.stdout.write(_as_json(judgements, old, new) + "\n")
    else:
        _print_readably(judgements, new)
    return 0 if all(one.verdict == "fine" for one in judgements) else DID_NOT_HOLD


def _application(app: str | None) -> Application:
    application = find_named_application(app)
    if application is not None:
        return application
    message = (
        "whose schema? Name the root reducer: --app module:attribute, such as --app shop.main:root,"
        " or REFOLD_APP, or app in [tool.refold] of ./pyproject.toml"
    )
    raise CommandError(message)


def _schema_of(application: Application) -> Schema:
    try:
        schema = schema_of(application.reducer)
    except RefoldError:
        raise
    except Exception as error:
        message = f"{application.source}: its initial state raised {explain_raised(error)}"
        raise CommandError(message) from error
    if any(one.kind == "action" for one in schema.classes.values()):
        return schema
    message = (
        f"{application.source} declares no handler, so it is unknown which actions its logs have;"
        f" declare handlers with Reducer.on, or combine the plain function with reducers that do"
    )
    raise CommandError(message)


def _read(file: Path) -> Schema:
    try:
        return read_schema(file.read_bytes())
    except FileNotFoundError as error:
        message = f"there is no {file}; write it with refold schema lock"
        raise CommandError(message) from error
    except OSError as error:
        message = f"{file} cannot be read: {error}"
        raise CommandError(message) from error
    except SchemaFileError as error:
        message = f"{file}: {error}"
        raise CommandError(message) from error


def _prover(old: Schema, new: Schema, count: int, seed: int) -> Prove:
    """Return what tries payloads; its library is loaded when something is to be proven."""

    def prove(name: str, version: int) -> Proof:
        try:
            from refold.testing.prove_upcasters import UpcasterProver  # noqa: PLC0415  # costly
        except ModuleNotFoundError as error:
            message = (
                f"{name} changed, and payloads of its version {version} are made by {error.name},"
                f" which is not installed; run pip install 'refold[test]'"
            )
            raise CommandError(message) from error
        return UpcasterProver(old, new, count, seed)(name, version)

    return prove


@contextmanager
def _no_traces() -> Generator[None]:
    """Let hypothesis keep its files in a folder that goes away, not in the working folder.

    Where it is loaded already, it has a folder.
    """
    if "hypothesis" in sys.modules or _STORAGE in os.environ:
        yield
        return
    with tempfile.TemporaryDirectory() as folder:
        os.environ[_STORAGE] = folder
        try:
            yield
        finally:
            del os.environ[_STORAGE]


def _describe(schema: Schema) -> str:
    actions = sum(one.kind == "action" for one in schema.classes.values())
    records = len(schema.classes) - actions
    counted = f"{_number_of(actions, 'action')}, {_number_of(records, 'state class', 'es')}"
    return f"{counted}, fingerprint {schema.fingerprint}"


def _number_of(number: int, what: str, plural: str = "s") -> str:
    return f"{number} {what}{'' if number == 1 else plural}"


def _as_json(judgements: list[Judgement], old: Schema, new: Schema) -> str:
    value = {
        "holds": all(one.verdict == "fine" for one in judgements),
        "locked_fingerprint": old.fingerprint,
        "fingerprint": new.fingerprint,
        "classes": [attrs.asdict(one, recurse=False) for one in judgements],
    }
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()


def _print_readably(judgements: list[Judgement], new: Schema) -> None:
    console = Console(highlight=False)
    for one in judgements:
        if one.verdict == "fine" and one.reason == "is as it was":
            continue
        heading = Text(f"{one.verdict:<11}", style=_STYLES[one.verdict])
        heading.append(printable(one.name), style="not bold default")
        console.print(heading, soft_wrap=True)
        for line in _details(one, console.width):
            console.print(Text(line), soft_wrap=True)
    console.print(Text(_count(judgements), style="bold"))
    console.print(Text(_describe(new)))


def _details(one: Judgement, width: int) -> list[str]:
    told = [one.reason]
    if one.payload is not None:
        text = sorted_json(one.payload)
        cut = text if len(text) <= _LONGEST_PAYLOAD else f"{text[:_LONGEST_PAYLOAD]}..."
        told.append(f"payload: {cut}")
    if one.advice is not None:
        told.append(f"to do: {one.advice}")
    inner = max(width - len(_INDENT), 20)
    lines = (line for part in told for line in textwrap.wrap(printable(part), inner))
    return [f"{_INDENT}{line}" for line in lines]


def _count(judgements: list[Judgement]) -> str:
    verdicts = [one.verdict for one in judgements]
    return ", ".join(f"{verdicts.count(verdict)} {verdict}" for verdict in _STYLES)
