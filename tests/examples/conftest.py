"""What the tests of the examples need before they begin.

The examples are no part of the package: they are found beside the tests.  And they end by Ctrl-C,
which a program ignores that was started by a job in the background.
"""

from __future__ import annotations

import signal
import sys

from tests.house.checkout import CHECKOUT

if str(CHECKOUT) not in sys.path:  # `pytest`, other than `python -m pytest`, leaves it out
    sys.path.append(str(CHECKOUT))

signal.signal(signal.SIGINT, signal.default_int_handler)  # which programs started from here inherit
