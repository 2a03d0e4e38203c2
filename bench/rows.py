"""All rows, in the order of PERFORMANCE, with its goals.

What belongs here: who does what, and the goals.  What does not: how any of them does it.
"""

from __future__ import annotations

from collections.abc import Callable

import attrs

from contestant import Contestant
from contestant_aioredux import make_aioredux
from contestant_bare import make_bare
from contestant_node import make_node_contestant
from contestant_pydux import make_pydux
from contestant_python_redux import make_python_redux
from contestant_refold import make_refold
from node_packages import NodePackages
from row import Comparison, Entry, Row, at_least, at_most, only_told
from row_durable_log import durable_log_row
from row_entities import entity_rows
from row_history import history_rows
from row_import_time import import_row
from row_jump import jump_rows
from row_log_line import log_line_rows
from row_replay import replay_rows
from row_selector_hit import selector_rows
from row_websocket import websocket_rows
from scenario import Scenario
from work import counter_work, entities_work, slices_work

__all__ = ["all_rows"]

FindNode = Callable[[], NodePackages]

_TOLD = tuple(map(only_told, ("pydux", "aioredux")))
_TOLD_NODE = tuple(map(only_told, ("Redux, bundled", "Redux Toolkit")))


def all_rows(find_node: FindNode) -> tuple[Row, ...]:
    """Return the rows.

    Args:
        find_node: gives node or raises ContestantMissingError.
    """
    return (
        *_dispatch_rows(find_node),
        *_size_rows(),
        *_subscription_rows(find_node),
        _entities_row(find_node),
        *entity_rows(),
        *log_line_rows(),
        durable_log_row(),
        *replay_rows(),
        *selector_rows(find_node),
        *history_rows(),
        *websocket_rows(),
        *jump_rows(),
        import_row(),
    )


def _dispatch_rows(find_node: FindNode) -> tuple[Row, ...]:
    plain = Scenario(slices_work(8), pass_through=3)
    ring = Scenario(slices_work(8), pass_through=3, keep_last=1000)
    read = Scenario(slices_work(8), pass_through=3, reads_root=True)
    counter = Scenario(counter_work())
    return (
        _row(
            ("1", "dispatch, 8 slices, 3 middlewares"),
            plain,
            (at_most(0.45, "bare"), at_least(10, "python-redux"), at_most(1.0, "Redux")),
            (*_TOLD, *_TOLD_NODE),
            find_node,
        ),
        _row(
            ("2", "the same, the last 1,000 actions kept"),
            ring,
            (at_most(0.55, "bare"), at_least(8, "python-redux")),
            (only_told("pydux"), only_told("Redux")),
            find_node,
        ),
        _row(
            ("3", "the same, root read after each dispatch"),
            read,
            (at_most(0.75, "bare"), at_least(6, "python-redux")),
            (*_TOLD, only_told("Redux")),
            find_node,
        ),
        _row(
            ("4", "one counter reducer"),
            counter,
            (at_most(1.7, "bare"), at_least(3.5, "python-redux")),
            (*_TOLD, only_told("Redux"), only_told("Redux Toolkit")),
            find_node,
        ),
    )


def _size_rows() -> tuple[Row, ...]:
    eight, hundred = Scenario(slices_work(8)), Scenario(slices_work(100))
    unhandled = Scenario(slices_work(8, handled=False))
    return (
        Row(
            "5",
            "100 slices instead of 8",
            (
                Entry("refold", lambda: make_refold(hundred), hundred.expected()),
                Entry("refold with 8 slices", lambda: make_refold(eight), eight.expected()),
            ),
            (at_most(1.15, "refold with 8 slices"),),
        ),
        Row(
            "5",
            "an action that nobody handles, 8 slices",
            (
                Entry("refold", lambda: make_refold(unhandled), unhandled.expected()),
                Entry("bare", lambda: make_bare(unhandled), unhandled.expected()),
            ),
            (at_most(0.15, "bare"),),
        ),
    )


def _subscription_rows(find_node: FindNode) -> tuple[Row, ...]:
    return (
        _row(
            ("6", "10 plain subscribers, 8 slices"),
            Scenario(slices_work(8), subscribers=10),
            (at_most(0.5, "(bare + 10 calls)"), at_least(10, "python-redux")),
            (*_TOLD, only_told("Redux")),
            find_node,
        ),
        _row(
            ("7", "10 selector subscriptions, 8 slices"),
            Scenario(slices_work(8), selections=10),
            (at_least(20, "python-redux"), at_most(1.0, "Redux")),
            (only_told("pydux"), *_TOLD_NODE),
            find_node,
        ),
    )


def _entities_row(find_node: FindNode) -> Row:
    return _row(
        ("8", "map of 10,000 entities, one updated"),
        Scenario(entities_work(10_000)),
        (at_most(1.15, "bare"),),
        (only_told("python-redux"), only_told("Redux"), only_told("Redux Toolkit")),
        find_node,
    )


def _row(
    title: tuple[str, str],
    scenario: Scenario,
    goals: tuple[Comparison, ...],
    told: tuple[Comparison, ...],
    find_node: FindNode,
) -> Row:
    """Return a row of all who are compared in it, each doing the same scenario."""
    comparisons = (*goals, *told)
    entries = _entries(("refold", *(c.other for c in comparisons)), scenario, find_node)
    if scenario.subscribers or scenario.selections:
        counting = attrs.evolve(scenario, counts_calls=True)
        twins = _entries(tuple(entry.name for entry in entries), counting, find_node)
        entries = tuple(attrs.evolve(e, twin=t) for e, t in zip(entries, twins, strict=True))
    return Row(*title, entries, comparisons)


def _entries(names: tuple[str, ...], scenario: Scenario, find_node: FindNode) -> tuple[Entry, ...]:
    makers: dict[str, Callable[[], Contestant]] = {
        "refold": lambda: make_refold(scenario),
        "bare": lambda: make_bare(scenario),
        "(bare + 10 calls)": lambda: make_bare(scenario),
        "python-redux": lambda: make_python_redux(scenario),
        "pydux": lambda: make_pydux(scenario),
        "aioredux": lambda: make_aioredux(scenario),
        "Redux": lambda: make_node_contestant(find_node(), "redux", scenario),
        "Redux, bundled": lambda: make_node_contestant(
            find_node(), "redux", scenario, bundled=True
        ),
        "Redux Toolkit": lambda: make_node_contestant(find_node(), "toolkit", scenario),
    }
    expected = scenario.expected()
    return tuple(Entry(name, makers[name], expected) for name in names)
