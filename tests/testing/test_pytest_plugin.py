"""`pytest --refold`, its names and its failures, and the two fixtures."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pyrsistent import pset

from refold import replay
from refold.commands.main import run as run_refold
from refold.errors import LogFormatError
from tests.testing.lawless_reducers import Put, make_box
from tests.testing.plugin_project import NO_INI, SHOP

if TYPE_CHECKING:
    from refold.testing.recorded_log import RecordedLog
    from refold.testing.store_maker import StoreMaker

pytest_plugins = ["pytester"]

LOGS = Path(".pytest_cache", "d", "refold")

EVERY = [
    "refold::shop:root",
    "refold::shop:root::cart",
    "refold::shop:root::desk",
    "refold::shop:root::desk::orders",
    "refold::shop:root::visits",
]
"""One test for the root and one for each slice; a slice's slices stand behind it."""


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """Return a folder with an application, which is the current one, and no test."""
    monkeypatch.delitem(sys.modules, "shop", raising=False)  # that of another test
    pytester.makepyfile(shop=SHOP)
    pytester.makepyprojecttoml(NO_INI)
    return pytester


def ids(result: pytest.RunResult) -> list[str]:
    """Return the ids that ``--collect-only -q`` prints."""
    return [line for line in result.outlines if "::" in line]


def collected(project: pytest.Pytester, *arguments: str) -> list[str]:
    """Return the ids of the tests that are collected."""
    result = project.runpytest_inprocess("--collect-only", "-q", *arguments)
    assert result.ret == pytest.ExitCode.OK, result.outlines
    return ids(result)


def failing(project: pytest.Pytester, *arguments: str) -> str:
    """Return what pytest prints when a law is broken."""
    result = project.runpytest_inprocess(*arguments)
    assert result.ret == pytest.ExitCode.TESTS_FAILED, result.outlines
    return result.stdout.str()


def usage_error(project: pytest.Pytester, *arguments: str) -> str:
    """Return what pytest says of options that make no sense."""
    result = project.runpytest_inprocess(*arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR, result.outlines
    return result.stderr.str()


# --- collecting ----------------------------------------------------------------------------------


def test_laws_are_tested_without_any_test_file(project: pytest.Pytester) -> None:
    """In a folder without tests each slice and the root is a test, and all is well."""
    result = project.runpytest_inprocess("-v", "--refold", "shop:root")
    assert result.ret == pytest.ExitCode.OK
    result.assert_outcomes(passed=4, skipped=1)
    shown = [line.split()[:2] for line in result.outlines if line.startswith("refold::")]
    assert shown == [[each, "SKIPPED" if "visits" in each else "PASSED"] for each in EVERY]


def test_the_laws_come_behind_other_tests(project: pytest.Pytester) -> None:
    """Tests of files are run as always, and before the laws."""
    project.makepyfile(test_more="def test_more(): pass")
    assert collected(project, "--refold", "shop:root") == ["test_more.py::test_more", *EVERY]
    assert collected(project, "test_more.py", "--refold=shop:root")[1:] == EVERY


def test_several_reducers_are_named(project: pytest.Pytester) -> None:
    """Each name is tested once, in the order of the names."""
    found = collected(
        project, *("--refold=shop:root_below_zero", "--refold=shop:root", "--refold=shop:root")
    )
    assert len(found) == 2 * len(EVERY)
    assert found[len(EVERY) :] == EVERY


def test_without_the_option_nothing_is_added(project: pytest.Pytester) -> None:
    """The plugin does nothing where nobody asks for it."""
    result = project.runpytest_inprocess()
    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (("-k", "orders"), ["refold::shop:root::desk::orders"]),
        (("-k", "cart or visits"), ["refold::shop:root::cart", "refold::shop:root::visits"]),
        (("-m", "refold"), EVERY),
        (("-m", "not refold"), ["test_more.py::test_more"]),
        (("--deselect", "refold::shop:root", "test_more.py"), ["test_more.py::test_more"]),
    ],
)
def test_laws_are_selected_as_other_tests_are(
    project: pytest.Pytester, selection: tuple[str, ...], expected: list[str]
) -> None:
    """By keyword, by the mark `refold`, and by id."""
    project.makepyfile(test_more="def test_more(): pass")
    assert collected(project, "--refold=shop:root", *selection) == expected


def test_an_id_alone_is_enough(project: pytest.Pytester) -> None:
    """An id that pytest showed can be pasted: it, and what is below it, are tested."""
    project.makepyfile(test_more="def test_more(): pass")
    assert collected(project, "refold::shop:root::desk") == EVERY[2:4]
    both = collected(project, "refold::shop:root::cart", "test_more.py")
    assert both == ["test_more.py::test_more", "refold::shop:root::cart"]


def test_the_ini_file_names_reducers_for_runs_of_folders(project: pytest.Pytester) -> None:
    """Whoever runs one file or one test does not wait for the laws; others need no option."""
    project.makepyprojecttoml(f"{NO_INI}refold = ['shop:root']\n")
    path = project.mkdir("tests") / "test_more.py"
    path.write_text("def test_more(): pass", encoding="utf-8")
    more = ["tests/test_more.py::test_more"]
    assert collected(project) == collected(project, "tests") == [*more, *EVERY]
    assert collected(project, "tests/test_more.py") == collected(project, *more) == more
    assert collected(project, "--refold=shop:root_below_zero")[1:6] == EVERY


def test_the_projects_own_application_needs_no_name(project: pytest.Pytester) -> None:
    """The option without a value takes the reducer of [tool.refold] app."""
    project.makepyprojecttoml(f"[tool.refold]\napp = 'shop:root'\n{NO_INI}")
    assert collected(project, "--refold") == EVERY


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--refold", "tests"), "--refold 'tests' does not name the root reducer"),
        (("--refold", "tests"), "write --refold behind the paths"),
        (("--refold", "shop:"), "such as shop.main:root"),
        (("--refold", "chop:root"), "ModuleNotFoundError: No module named 'chop'"),
        (("--refold", "shop:tree"), "module 'shop' has no attribute 'tree'"),
        (("--refold", "broken:root"), "ZeroDivisionError: division by zero (*broken.py, line 1)"),
        (("--refold", "leaving:root"), "SystemExit: 3 (*leaving.py, line 1)"),
        (("--refold", "shop:Shop"), "expected a Reducer or a function (state, action) -> state"),
        (("--refold", "shop:number"), "--refold shop:number is 5, expected a Reducer"),
        (("--refold",), "write --refold=module:reducer"),
        (("refold::shop:root::card",), "refold::shop:root::card is no law; there are refold::"),
        (("refold::",), "--refold '' does not name the root reducer"),
    ],
)
def test_a_wrong_name_is_explained(
    project: pytest.Pytester, arguments: tuple[str, ...], message: str
) -> None:
    """What is named and is not there is told before any test runs, with what to write."""
    project.makepyfile(broken="1 / 0", leaving="raise SystemExit(3)")
    said = usage_error(project, *arguments)
    first, _, last = message.partition("*")
    assert first in said
    assert last in said


# --- invariants ----------------------------------------------------------------------------------


def test_invariants_belong_to_their_slices(project: pytest.Pytester) -> None:
    """A mapping names slices; the empty text stands for the whole state."""
    shown = failing(project, "--refold=shop:root_below_zero", "--refold-invariants=shop:invariants")
    assert "1 failed, 3 passed, 1 skipped" in shown
    assert "The invariant is_never_negative returned False." in shown


@pytest.mark.parametrize("name", ["invariants", "whole_invariants", "loses_no_order"])
def test_invariants_that_hold_pass(project: pytest.Pytester, name: str) -> None:
    """A list, or a single function, is asked of the whole state."""
    result = project.runpytest_inprocess("--refold=shop:root", f"--refold-invariants=shop:{name}")
    result.assert_outcomes(passed=4, skipped=1)


def test_invariants_may_name_one_of_several_reducers(project: pytest.Pytester) -> None:
    """An id without its beginning says which; the setting does what the option does."""
    project.makepyprojecttoml(f"{NO_INI}refold_invariants = ['shop:named_invariants']\n")
    shown = failing(
        project, "--refold=shop:root_below_zero", "--refold=shop:root", "-k", "cart", "-v"
    )
    assert "refold::shop:root_below_zero::cart FAILED" in shown
    assert "refold::shop:root::cart PASSED" in shown


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("shop:misspelt_invariants", "invariants of 'card', which is no slice; there are '',"),
        ("shop:number", "is 5, expected a list of functions for the whole state, or a mapping"),
        ("shop:none", "has no attribute 'none'"),
        ("shop", "--refold-invariants 'shop' does not name a list or mapping"),
    ],
)
def test_wrong_invariants_are_explained(project: pytest.Pytester, name: str, message: str) -> None:
    """Invariants that would never be asked are an error."""
    said = usage_error(project, "--refold=shop:root", "--refold-invariants", name)
    assert message in said


def test_an_invariant_of_two_parameters_fails_its_test_with_one_sentence(
    project: pytest.Pytester,
) -> None:
    """What refold refuses is told without a traceback, too."""
    project.makepyfile(rules="def two(a, b): pass")
    shown = failing(project, "--refold=shop:root", "--refold-invariants=rules:two", "-k", "shop")
    assert "an invariant is a function (state) -> bool or" in shown
    assert "Traceback" not in shown
    assert "refold show" not in shown


# --- failures ------------------------------------------------------------------------------------


def test_a_failure_is_the_message_of_the_law_alone(project: pytest.Pytester) -> None:
    """Headline, run, reason, advice, place and log; no line of Hypothesis or refold."""
    shown = failing(project, "--refold=shop:root_that_raises", "-k", "orders")
    body = shown.partition("= FAILURES =")[2].partition("= short test summary")[0]
    lines = [line.strip("=_- ") for line in body.splitlines()]
    line_number = (
        SHOP.strip().splitlines().index('            raise OverflowError("too many orders")')
    )
    log = LOGS / "shop-root_that_raises-desk-orders.jsonl"
    assert [line for line in lines if line] == [
        "laws of shop:root_that_raises::desk::orders",
        "broken law never_raises: a reducer never raises.",
        "The shortest run that was found, of 2 actions:",
        "from shop import Ordered",
        "actions = [",
        "Ordered(),",
        "Ordered(),",
        "]",
        "state = reducer.initial",
        "for action in actions:",
        "state = reducer(state, action)",
        "The last action made it raise OverflowError: too many orders.",
        "Return the state as it is where there is nothing to do. If such an action must",
        "never be made, refuse it where it is made: by an attrs validator on the field of",
        "its class.",
        "refold",
        f"OverflowError was raised in {project.path / 'shop.py'}, line {line_number + 1}",
        "the run as a log:",
        f"refold show {log}",
        f"refold replay {log} --app shop:root_that_raises",
    ]


@pytest.mark.parametrize("style", ["long", "native"])
def test_the_whole_traceback_is_there_for_whoever_wants_it(
    project: pytest.Pytester, style: str
) -> None:
    """With --tb=long there are the lines of code, and still the way to the log."""
    shown = failing(project, "--refold=shop:root_that_raises", "-k", "orders", f"--tb={style}")
    assert "explain_broken_law(broken)" in shown
    assert 'raise OverflowError("too many orders")' in shown
    assert "refold show" in shown


def test_the_kept_run_is_opened_by_the_commands(
    project: pytest.Pytester, capsys: pytest.CaptureFixture[str]
) -> None:
    """A slice's run is kept as one of the root, which is what --app can name."""
    failing(
        project,
        *("--refold=shop:root_below_zero", "--refold-invariants=shop:invariants", "-k", "cart"),
    )
    log = LOGS / "shop-root_below_zero-cart.jsonl"
    project.syspathinsert()
    capsys.readouterr()
    assert run_refold(["show", str(log)]) == 0
    assert "plugin_shop/article_removed" in capsys.readouterr().out
    assert run_refold(["replay", str(log), "--app", "shop:root_below_zero"]) == 0
    assert "articles: -1" in capsys.readouterr().out.replace('"', "").replace("=", ": ")


def test_a_later_run_replaces_what_was_kept(project: pytest.Pytester) -> None:
    """The log of a law that holds again is gone, and one that breaks again is another."""
    rules = ("--refold-invariants=rules:rules", "-k", "cart")
    project.makepyfile(rules="rules = {'cart': lambda cart: cart.articles < 2}")
    log = LOGS / "shop-root-cart.jsonl"
    failing(project, "--refold=shop:root", *rules)
    first = log.read_bytes()
    failing(project, "--refold=shop:root", *rules)
    assert log.read_bytes() != first  # the id of each log is its own
    project.makepyfile(rules="rules = {'cart': lambda cart: True}")
    assert project.runpytest_subprocess("--refold=shop:root", *rules).ret == 0
    assert not log.exists()


def test_without_its_cache_pytest_keeps_no_run(project: pytest.Pytester) -> None:
    """The failure is told all the same."""
    shown = failing(
        project, "--refold=shop:root_that_raises", "-k", "orders", "-p", "no:cacheprovider"
    )
    assert "broken law never_raises" in shown
    assert "the run was not kept: pytest runs without its cache" in shown


def test_a_run_that_cannot_be_kept_is_told_all_the_same(project: pytest.Pytester) -> None:
    """What stands in the way of the log does not hide the broken law."""
    (LOGS / "shop-root_that_raises-desk-orders.jsonl").mkdir(parents=True)
    shown = failing(project, "--refold=shop:root_that_raises", "-k", "orders")
    assert "broken law never_raises" in shown
    assert "the run was not kept, because it cannot be written as a log: " in shown


def test_a_broken_initial_state_has_no_run(project: pytest.Pytester) -> None:
    """Where no action is needed to break a law, there is nothing to keep."""
    project.makepyfile(rules="rules = {'cart': lambda cart: cart.articles > 0}")
    shown = failing(project, "--refold=shop:root", "--refold-invariants=rules:rules")
    assert "It is broken in the initial state, before any action." in shown
    assert "refold show" not in shown


def test_the_first_failure_ends_the_run_if_asked(project: pytest.Pytester) -> None:
    """-x stops at the first broken law, and --lf begins with it."""
    shown = failing(project, "--refold=shop:root_that_raises", "-x")
    assert "1 failed" in shown
    assert "passed" not in shown
    again = failing(project, "--refold=shop:root_that_raises", "--lf", "-v")
    assert "1 failed, 4 deselected" in again


def test_a_report_for_ci_has_the_laws(project: pytest.Pytester) -> None:
    """The XML of --junitxml names each law and has its message."""
    failing(project, "--refold=shop:root_that_raises", "--junitxml=report.xml")
    report = Path("report.xml").read_text(encoding="utf-8")
    assert "orders" in report
    assert "broken law never_raises" in report


# --- what everybody pays who has refold ----------------------------------------------------------

NOTHING_LOADED = """
import sys

def test_nothing_is_loaded():
    loaded = {name for name in sys.modules if name.split(".")[0] in {"refold", "hypothesis"}}
    assert loaded == {"refold", "refold.testing", "refold.testing.pytest_plugin"}
"""


def test_a_run_without_it_loads_next_to_nothing(project: pytest.Pytester) -> None:
    """Where nobody uses the plugin, no room of refold and no Hypothesis is imported."""
    project.makepyfile(test_loaded=NOTHING_LOADED)
    options = ("-p", "no:hypothesispytest", "-p", "no:cacheprovider")
    result = project.runpytest_subprocess(*options, "test_loaded.py")
    result.assert_outcomes(passed=1)


@pytest.mark.parametrize("missing", ["hypothesis", "time_machine"])
def test_what_is_missing_is_named(project: pytest.Pytester, missing: str) -> None:
    """Without what the laws need, other runs are as ever, and the option says what to install."""
    project.makepyfile(test_more="def test_more(): pass")
    project.makeconftest(f"import sys; sys.modules[{missing!r}] = None")
    options = ("-p", "no:hypothesispytest", "-p", "no:time_machine", "test_more.py")
    project.runpytest_subprocess(*options).assert_outcomes(passed=1)
    result = project.runpytest_subprocess(*options, "--refold=shop:root")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    advice = f"--refold needs {missing}, which is missing: pip install 'refold[testing]'"
    assert advice in result.stderr.str()


# --- fixtures ------------------------------------------------------------------------------------


def test_a_store_of_a_plain_test(refold_store: StoreMaker, refold_log: RecordedLog) -> None:
    """Neither a loop nor a mark is needed to dispatch, to record and to read what was recorded."""
    box = make_box()
    store = refold_store(box, middleware=[refold_log.record()])
    store.dispatch(Put("a"))
    assert [each.name for each in refold_log.records] == ["lawless/put"]
    store.dispatch(Put("b"))
    assert [each.seq for each in refold_log.records] == [1, 2]
    assert refold_log.timeline(box).at(2) == store.state
    assert replay(refold_log.path, box).at(1).names == pset(["a"])


async def test_a_store_of_a_coroutine(refold_store: StoreMaker, refold_log: RecordedLog) -> None:
    """It may be entered; a second one goes on with the log of the first."""
    box = make_box()
    async with refold_store(box, middleware=[refold_log.record()]) as store:
        store.dispatch(Put("a"))
    state = store.state
    async with refold_store(box, state=state, middleware=[refold_log.record(resume=True)]) as store:
        store.dispatch(Put("b"))
    assert len(refold_log.records) == 2


def test_stores_are_closed_when_the_test_ends(project: pytest.Pytester) -> None:
    """After the test no store takes an action; what closing raises is an error of the test."""
    project.makepyfile(
        test_stores="""
from refold.errors import StoreClosedError
from shop import ArticleAdded, root
import pytest

stores = []

class Closing:
    def __init__(self, error):
        self.error = error

    def __call__(self, store, next_dispatch):
        return next_dispatch

    def close(self):
        if self.error is not None:
            raise self.error

def test_makes(refold_store):
    stores.append(refold_store(root))
    refold_store(root, middleware=[Closing(ValueError("cannot close"))])
    stores.append(refold_store(root, middleware=[Closing(None)]))

def test_are_closed():
    for store in stores:
        with pytest.raises(StoreClosedError):
            store.dispatch(ArticleAdded())
"""
    )
    result = project.runpytest_inprocess("test_stores.py")
    result.assert_outcomes(passed=2, errors=1)
    assert "ValueError: cannot close" in result.stdout.str()


def test_a_log_is_empty_before_anything_is_recorded(refold_log: RecordedLog) -> None:
    """Asking too early says that there is no log."""
    with pytest.raises(LogFormatError):
        _ = refold_log.records
