"""Running the example that the help of a command shows."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.commands import shop_application, shop_rules
from tests.commands.shop_application import record_run

if TYPE_CHECKING:
    import pytest

    from tests.commands.conftest import Outcome, RunCommand

__all__ = ["run_help_example"]


async def run_help_example(
    run_command: RunCommand, command: str, monkeypatch: pytest.MonkeyPatch
) -> Outcome:
    """Run it as it stands in the help, with a run of the shop as run.jsonl in the working folder.

    The package ``shop`` of the examples is this folder's shop.
    """
    monkeypatch.setitem(sys.modules, "shop.main", shop_application)
    monkeypatch.setitem(sys.modules, "shop.rules", shop_rules)
    await record_run(Path("run.jsonl"), ["apple", "pear", "plum"] * 5)
    shown = run_command(command, "--help").lines
    (example,) = [line for line in shown if line.startswith("Example: ")]
    _, program, *arguments = shlex.split(example)
    assert program == "refold"
    return run_command(*arguments)
