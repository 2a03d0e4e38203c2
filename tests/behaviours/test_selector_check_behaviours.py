"""Behaviours 105 to 110: the checks that tell a developer of selectors that cannot memoize.

What belongs here: when the two checks run, what they report, and that they harm nothing.  What does
not: what a selector computes.
"""

from __future__ import annotations

import functools
import itertools
import operator
import re
import subprocess
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import attrs
import pytest

from refold.errors import RefoldWarning
from refold.selectors.development_checks import set_development_checks
from refold.selectors.lru_memoize import lru_memoize
from refold.selectors.selector import selector
from refold.selectors.weak_memoize import weak_memoize

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@attrs.frozen
class Shop:
    """A state with two fields."""

    items: tuple[int, ...] = (1, 2)
    discount: int = 0


class UnstableInput:
    """An input that answers with another object at each run, and counts its runs."""

    def __init__(self) -> None:
        self.runs = 0

    def __call__(self, _shop: Shop) -> str:
        """Count the run, then answer."""
        self.runs += 1
        return f"answer number {self.runs}"


class StableInput:
    """An input that answers with the identical object, and counts its runs."""

    def __init__(self) -> None:
        self.runs = 0

    def __call__(self, shop: Shop) -> tuple[int, ...]:
        """Count the run, then answer."""
        self.runs += 1
        return shop.items


@pytest.fixture(autouse=True)
def _default_checks() -> Iterator[None]:
    """Begin and end every test with the checks as they are by default."""
    set_development_checks(inputs="once", identity="once")
    yield
    set_development_checks(inputs="once", identity="once")


def reports_of(call: Callable[[], object]) -> list[str]:
    """Return the texts of all warnings that the call gives."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    assert all(issubclass(each.category, RefoldWarning) for each in caught)
    return [str(each.message) for each in caught]


def assert_names_place(report: str, function: Any) -> None:
    """Check that the report names this file and a line of the function's definition."""
    first_line = function.__code__.co_firstlineno
    found = re.search(rf"{re.escape(Path(__file__).name)}\D{{1,10}}(\d+)", report)
    assert found is not None, report
    assert first_line - 1 <= int(found[1]) <= first_line + 3


def read_discount(shop: Shop) -> int:
    """Read the discount."""
    return shop.discount


def sum_of(values: Any) -> int:
    """Return a number that is never the input itself."""
    return 1000 + len(values)


def test_b105_once_each_input_runs_twice_on_the_first_call_only() -> None:
    """With "once" each input runs twice on the first call, and once on every later one."""
    stable = StableInput()
    select = selector(stable, check_inputs="once")(sum_of)
    select(Shop())
    assert stable.runs == 2
    select(Shop((3,)))
    assert stable.runs == 3


def test_b105_an_unstable_input_is_reported_with_both_results_and_the_place() -> None:
    """The report of an unstable input shows both of its answers and where the selector stands."""
    select = selector(UnstableInput(), check_inputs="once")(sum_of)
    reports = reports_of(lambda: select(Shop()))
    assert len(reports) == 1
    assert "answer number 1" in reports[0]
    assert "answer number 2" in reports[0]
    assert_names_place(reports[0], sum_of)
    assert reports_of(lambda: select(Shop((3,)))) == []


def test_b105_a_stable_input_is_not_reported() -> None:
    """Inputs that answer with the identical object give no report."""
    select = selector(StableInput(), read_discount, check_inputs="always")(
        lambda items, discount: len(items) - discount
    )
    assert reports_of(lambda: select(Shop())) == []


def test_b105_the_report_names_the_unstable_one_of_several_inputs() -> None:
    """Among several inputs the report shows the answers of the unstable one."""

    def select_fresh_list(shop: Shop) -> list[int]:
        return [*shop.items, 77]

    select = selector(StableInput(), select_fresh_list, check_inputs="once")(
        lambda items, fresh: len(items) + len(fresh)
    )
    reports = reports_of(lambda: select(Shop()))
    assert len(reports) == 1
    assert reports[0].count("[1, 2, 77]") == 2
    assert re.search(r"select_fresh_list|input 2\b", reports[0]), reports[0]


def test_b105_extra_arguments_reach_the_second_run_too() -> None:
    """The second run of an input gets the same arguments as the first."""
    seen: list[tuple[object, ...]] = []

    def select_items(shop: Shop, *extra: object) -> tuple[int, ...]:
        seen.append((shop, *extra))
        return shop.items

    shop = Shop()
    selector(select_items, check_inputs="once")(sum_of)(shop, "a", 5)
    assert seen == [(shop, "a", 5), (shop, "a", 5)]


def test_b105_the_check_does_not_change_the_counters() -> None:
    """A checked call counts as one recomputation of inputs and of the result."""
    select = selector(StableInput(), check_inputs="always")(sum_of)
    select(Shop())
    assert (select.recomputations, select.dependency_recomputations) == (1, 1)


def test_b106_always_checks_at_each_recomputation_never_on_a_cache_hit() -> None:
    """With "always" inputs run twice whenever they run, and not at all on a hit."""
    stable = StableInput()
    select = selector(stable, check_inputs="always")(sum_of)
    first, second = Shop(), Shop((3,))
    select(first)
    assert stable.runs == 2
    select(first)
    assert stable.runs == 2
    select(second)
    assert stable.runs == 4
    select(second)
    assert stable.runs == 4


def test_b106_always_reports_at_each_recomputation() -> None:
    """With "always" an unstable input is reported every time it runs."""
    select = selector(UnstableInput(), check_inputs="always")(sum_of)
    shop = Shop()
    assert len(reports_of(lambda: select(shop))) == 1
    assert reports_of(lambda: select(shop)) == []
    assert len(reports_of(lambda: select(Shop((3,))))) == 1


def test_b106_never_runs_inputs_once() -> None:
    """With "never" each input runs once, and an unstable one is not reported."""
    unstable = UnstableInput()
    select = selector(unstable, check_inputs="never")(sum_of)
    assert reports_of(lambda: select(Shop())) == []
    assert unstable.runs == 1


def test_b106_an_empty_option_means_once() -> None:
    """An empty text as the option is "once", even where the global setting is another."""
    set_development_checks(inputs="never", identity="never")
    stable = StableInput()
    select = selector(stable, check_inputs=cast("Any", ""))(sum_of)
    select(Shop())
    select(Shop((3,)))
    assert stable.runs == 3
    identity = selector(StableInput(), check_inputs="never", check_identity=cast("Any", ""))(
        lambda items: items
    )
    assert len(reports_of(lambda: identity(Shop()))) == 1
    assert reports_of(lambda: identity(Shop((3,)))) == []


def test_b107_it_can_be_set_globally_and_gives_the_previous_setting() -> None:
    """The global setting holds for selectors without one of their own, and can be put back."""
    before: Any = set_development_checks(inputs="never", identity="never")
    assert tuple(before) == ("once", "once")
    stable = StableInput()
    select = selector(stable)(sum_of)
    select(Shop())
    assert stable.runs == 1
    between: Any = set_development_checks(inputs="always", identity="always")
    assert tuple(between) == ("never", "never")
    select(Shop((3,)))
    select(Shop((4,)))
    assert stable.runs == 5


def test_b107_a_selectors_own_setting_beats_the_global_one() -> None:
    """What one selector says of itself holds, whatever the global setting."""
    set_development_checks(inputs="always", identity="always")
    stable = StableInput()
    selector(stable, check_inputs="never")(sum_of)(Shop())
    assert stable.runs == 1
    set_development_checks(inputs="never", identity="never")
    selector(stable, check_inputs="once")(sum_of)(Shop())
    assert stable.runs == 3


def test_b107_it_judges_by_the_selectors_own_equality() -> None:
    """An input whose answers are equal for the selector is stable for its check."""

    def select_fresh_list(shop: Shop) -> list[int]:
        return [*shop.items]

    by_value = selector(select_fresh_list, equal=operator.eq, check_inputs="always")(sum_of)
    assert reports_of(lambda: by_value(Shop())) == []
    by_identity = selector(select_fresh_list, check_inputs="always")(sum_of)
    assert len(reports_of(lambda: by_identity(Shop()))) == 1


PRODUCTION_PROGRAM = """
import sys
from refold.selectors.selector import selector

runs = []

def select_fresh(state):
    runs.append(state)
    return [state]

select_length = selector(select_fresh, check_inputs="always", check_identity="always")(
    lambda fresh: len(fresh)
)
select_same = selector(lambda state: state, check_identity="always")(lambda state: state)
select_length(1)
select_same(1)
sys.exit(0 if len(runs) == 1 else 3)
"""


def test_b107_it_is_off_in_production() -> None:
    """Under `python -O` inputs run once and nothing is reported, whatever the settings."""
    done = subprocess.run(  # our own interpreter on our own text
        [sys.executable, "-O", "-W", "error", "-c", PRODUCTION_PROGRAM],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr


def test_b108_a_result_function_that_returns_its_only_input_is_reported_once() -> None:
    """An identity result function is reported on the first call only, with its place."""

    def same(items: tuple[int, ...]) -> tuple[int, ...]:
        return items

    select = selector(StableInput(), check_identity="once")(same)
    reports = reports_of(lambda: select(Shop()))
    assert len(reports) == 1
    assert_names_place(reports[0], same)
    assert reports_of(lambda: select(Shop((3,)))) == []


def test_b108_always_reports_an_identity_function_at_each_recomputation() -> None:
    """With "always" an identity function is reported whenever it runs, not on a hit."""
    select = selector(StableInput(), check_identity="always")(lambda items: items)
    shop = Shop()
    assert len(reports_of(lambda: select(shop))) == 1
    assert reports_of(lambda: select(shop)) == []
    assert len(reports_of(lambda: select(Shop((3,))))) == 1


def test_b108_never_does_not_report_an_identity_function() -> None:
    """With "never" an identity function is nobody's business."""
    select = selector(StableInput(), check_identity="never")(lambda items: items)
    assert reports_of(lambda: select(Shop())) == []


def test_b108_the_check_does_not_change_result_or_counters() -> None:
    """A reported selector answers and counts as an unreported one."""
    select = selector(StableInput(), check_identity="always")(lambda items: items)
    shop = Shop()
    results: list[object] = []
    reports_of(lambda: results.append(select(shop)))
    assert results[0] is shop.items
    assert (select.recomputations, select.dependency_recomputations) == (1, 1)


SOMETIMES_IDENTITY: dict[str, Callable[[tuple[int, ...]], tuple[int, ...]]] = {
    "if shorter": lambda items: items if len(items) < 10 else items[:10],
    "slice": lambda items: items[:10],
    "or default": lambda items: items or (0,),
}
"""Functions that return their input when it is short, and something else for other inputs."""


@pytest.mark.parametrize(
    "result_function", SOMETIMES_IDENTITY.values(), ids=SOMETIMES_IDENTITY.keys()
)
def test_b109_no_report_when_a_non_identity_function_happens_to_return_its_input(
    result_function: Callable[[Any], Any],
) -> None:
    """A function that returns its input for this state, but not for every one, is fine."""
    shop = Shop()
    assert result_function(shop.items) is shop.items
    select = selector(StableInput(), check_identity="always")(result_function)
    assert reports_of(lambda: select(shop)) == []


def test_b109_no_report_for_functions_of_several_inputs() -> None:
    """A function of several inputs that returns one of them is not an identity function."""
    select = selector(StableInput(), read_discount, check_identity="always")(
        lambda items, _discount: items
    )
    assert reports_of(lambda: select(Shop())) == []


def test_b109_an_exception_of_the_probe_stays_inside_the_check() -> None:
    """A result function that cannot take the check's probe does not raise because of it."""
    items = (1, 2)
    select = selector(StableInput(), check_identity="always")(
        lambda found: found if found[0] == 1 else ()
    )
    assert reports_of(lambda: select(Shop(items))) == []


@pytest.mark.parametrize("memoize", [lru_memoize, weak_memoize])
def test_b110_neither_check_calls_result_equality_with_dummy_values(
    memoize: Any,
) -> None:
    """The result equality sees results of real states only, whichever check is on."""
    compared: list[tuple[object, object]] = []

    def result_equal(old: object, new: object) -> bool:
        compared.append((old, new))
        return old == new

    options = functools.partial(memoize, result_equal=result_equal)
    states = [Shop((number,)) for number in range(4)]
    real_results = [state.items for state in states]
    inputs: list[Any] = [StableInput(), UnstableInput()]
    results: list[Any] = [sum_of, len]
    for read, result in itertools.product(inputs, results):
        select: Any = cast("Any", selector)(
            read,
            memoize=options,
            memoize_arguments=options,
            check_inputs="always",
            check_identity="always",
        )(result)
        for state in states:
            reports_of(functools.partial(select, state))
    identity = selector(
        StableInput(), memoize=options, check_inputs="always", check_identity="always"
    )(lambda items: items)
    for state in states:
        reports_of(functools.partial(identity, state))
    for old, new in compared:
        for value in (old, new):
            assert isinstance(value, int) or value in real_results
