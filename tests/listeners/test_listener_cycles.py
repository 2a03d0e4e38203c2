"""A thousand stores with listeners leave no task, no store and no warning behind."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.house.checkout import CHECKOUT


@pytest.mark.timeout(120)
def test_a_thousand_stores_leave_nothing() -> None:
    """Entered and left a thousand times under ``-X dev -W error``, a program says nothing."""
    program = [sys.executable, "-X", "dev", "-W", "error", "-m", "tests.listeners.listener_cycles"]
    done = subprocess.run(
        program,
        capture_output=True,
        cwd=CHECKOUT,
        env={**os.environ, "PYTHONPATH": ""},
        text=True,
        timeout=100,
        check=False,
    )
    assert done.stdout == ""
    assert done.stderr == ""
    assert done.returncode == 0
