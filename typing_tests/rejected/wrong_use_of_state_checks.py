"""The choices of the checks are checked themselves."""

from __future__ import annotations

from refold.middleware.default_middleware import default_middleware
from refold.middleware.state_checks import state_checks
from typing_tests.accepted.counter import Root

state_checks("Root.counter")  # expect-error
state_checks(ignored_actions=[Root])  # expect-error
state_checks(ignored_types=["Root"])  # expect-error
state_checks(ignored_paths=[1])  # expect-error
default_middleware(state_checks=[Root])  # expect-error
