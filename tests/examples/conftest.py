"""The examples are no part of the package: they are found beside the tests."""

from __future__ import annotations

import sys

from tests.house.checkout import CHECKOUT

if str(CHECKOUT) not in sys.path:  # `pytest`, other than `python -m pytest`, leaves it out
    sys.path.append(str(CHECKOUT))
