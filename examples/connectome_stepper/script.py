"""The script of stepper mode: one web request, from the page and back to it.

What belongs here: the steps, and which of them comes at which place.  What does not: when.

The ids of nodes begin with their zone: ``FE.page`` is in the zone ``FE``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from refold.actions.ledger import FlowEvent, StepFocus, StepRelease, WaitTimerAction

if TYPE_CHECKING:
    from refold.reducers.ledger_state import LedgerState

__all__ = ["STEPS", "Step", "next_release", "zone_of"]


@attrs.frozen
class Step:
    """One step of the request."""

    key: str
    """By which it is known; no other step has it."""

    node: str
    """Where it happens."""

    came_from: str | None
    """The node that it comes from, along an edge; None where nothing moves."""

    call_type: str
    """What kind of call it is: ``code``, ``graph`` or ``agent``."""

    label: str
    """What it is called, in at most 16 characters."""

    duration_ms: float
    """How long it takes."""

    sentence: str
    """What it does, in at most 76 characters: one line."""

    notes: str | None = None
    """More about it, in one more line; None for nothing."""

    wait: WaitTimerAction = "none"
    """Whether the player begins to wait, or need not wait any more."""


STEPS: Final = (
    Step(
        *("ask", "FE.page", None, "code", "send question", 4.0),
        "The player sends a question; the page shows a bar until the answer comes.",
        "The bar is full after 4 seconds, which promises nothing about the answer.",
        wait="start",
    ),
    Step(
        *("post", "BE.api", "FE.page", "code", "POST /ask", 18.5),
        "The page posts the question to the API.",
    ),
    Step(
        *("check", "BE.api", None, "code", "check session", 2.1),
        "The API makes sure that the player's session is known and open.",
    ),
    Step(
        *("enqueue", "BE.flow", "BE.api", "code", "begin flow", 1.2),
        "The API hands the question to a flow, which owns it up to the answer.",
    ),
    Step(
        *("context", "GRAPH.read", "BE.flow", "graph", "read context", 31.0),
        "The flow asks the graph for what is near the player.",
    ),
    Step(
        *("near", "GRAPH.store", "GRAPH.read", "graph", "neighbours", 22.4),
        "The graph walks two edges out from the player, and ranks what it finds.",
    ),
    Step(
        *("found", "BE.flow", "GRAPH.store", "graph", "14 nodes", 3.3),
        "What was found goes back to the flow.",
        "Fourteen nodes, of which the flow keeps the best five.",
    ),
    Step(
        *("plan", "AGENTS.plan", "BE.flow", "agent", "plan answer", 640.0),
        "The planner decides what the answer has to say.",
    ),
    Step(
        *("write", "AGENTS.say", "AGENTS.plan", "agent", "find words", 1270.0),
        "The speaker puts the plan into sentences.",
        "Nearly all of the wait is spent here and in the step before.",
    ),
    Step(
        *("written", "BE.flow", "AGENTS.say", "agent", "answer, 3 lines", 5.0),
        "The answer goes back to the flow.",
    ),
    Step(
        *("keep", "GRAPH.store", "BE.flow", "graph", "keep moment", 12.8),
        "The flow keeps question and answer in the graph, for the next question.",
    ),
    Step(
        *("answer", "FE.page", "BE.api", "code", "200 /ask", 9.7),
        "The answer is on the page, and the player waits no longer.",
        wait="stop",
    ),
)
"""All steps, in their order."""


def next_release(ledger: LedgerState) -> StepRelease:
    """Return what comes next by the ledger's cursor; after its end the script begins again."""
    step = STEPS[ledger.cursor % len(STEPS)]
    edge = None if step.came_from is None else f"{step.came_from}>{step.node}"
    return StepRelease(
        event=FlowEvent(
            id=f"{step.key}-{ledger.arrived_count}",  # the cursor may come to a place again
            call_type=step.call_type,
            label=step.label,
            node_id=step.node,
            edge_id=edge,
            step_key=step.key,
            duration_ms=step.duration_ms,
        ),
        focus=StepFocus(step.node, edge, step.key, zone_of(step.node)),
        explanation_sentence=step.sentence,
        explanation_notes=step.notes,
        wait_timer_action=step.wait,
        cursor_next=ledger.cursor + 1,
    )


def zone_of(node_id: str) -> str:
    """Return the zone that a node is in: what stands before the dot."""
    return node_id.partition(".")[0]
