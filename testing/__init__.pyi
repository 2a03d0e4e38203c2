# What `from refold.testing import` gives; the facade loads it when it is asked for.

from refold.testing.action_strategies import actions_for as actions_for
from refold.testing.check_laws import check_reducer_laws as check_reducer_laws
from refold.testing.law_machine import reducer_machine as reducer_machine
from refold.testing.log_examples import example_from_log as example_from_log
from refold.testing.registered_strategies import register_strategy as register_strategy
from refold.testing.run_strategies import runs_for as runs_for
from refold.testing.state_strategies import states_for as states_for
from refold.testing.test_store import TestStore as TestStore
from refold.testing.virtual_clock import VirtualClock as VirtualClock
