"""The checks of development fit a store of any state."""

from __future__ import annotations

from typing import assert_type

from refold import Middleware, Store
from refold.middleware.default_middleware import default_middleware
from refold.middleware.state_checks import state_checks
from typing_tests.accepted.counter import AddToCounter, Root, root

checks = state_checks(
    ignored_types=[bytes],
    ignored_paths=("Root.counter.*",),
    ignored_slices={"counter"},
    ignored_actions=[AddToCounter],
    slow_seconds=0.1,
    parts_per_look=100,
)
assert_type(checks, Middleware[object])
assert_type(Store(root, middleware=[checks]), Store[Root])
Store(root, middleware=default_middleware(state_checks=True))
