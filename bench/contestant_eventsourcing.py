"""`eventsourcing` with its SQLite recorder: an aggregate with one event per kind of step.

What belongs here: writing and reading events as its documentation says to.  What does not: timing.

Its default JSON transcoder and its snapshots-off default are used.  Events that are triggered since
the last `save` are written in one transaction.
"""

from __future__ import annotations

import functools
import sqlite3
from pathlib import Path
from typing import Any, Final

from contestant import ContestantMissingError
from log_work import LogStep
from peer_library import import_peer
from work import Outcome

__all__ = ["EventsourcingPeer", "outcome_of_aggregate"]

_FULL: Final = 2
"""What SQLite calls ``synchronous=FULL``: every commit is on disk when it returns."""


class EventsourcingPeer:
    """An application over one SQLite file."""

    def __init__(self, folder: Path) -> None:
        """Open the file.

        Raises:
            ContestantMissingError: the library is missing, or its commits are not durable here.
        """
        domain = import_peer("eventsourcing.domain", "eventsourcing")
        application = import_peer("eventsourcing.application", "eventsourcing")
        self._aggregate_class = _plant_class(domain)
        self._plant: Any = None
        path = folder / "events.db"
        self.application: Any = application.Application(
            env={"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": str(path)}
        )
        _check_durability(path)

    def begin(self) -> None:
        """Begin a new aggregate; its creation is an event of its own."""
        self._plant = self._aggregate_class()
        self.application.save(self._plant)

    def append(self, steps: tuple[LogStep, ...], commit_every: int) -> None:
        """Trigger an event for each step, and commit them in groups."""
        plant, save = self._plant, self.application.save
        for number, step in enumerate(steps, start=1):
            match step.verb:
                case "measured":
                    plant.measure(step.key, step.value, step.count)
                case "renamed":
                    plant.rename(step.key, step.label)
                case "switched":
                    plant.switch(step.key, step.is_on)
            if number % commit_every == 0:
                save(plant)

    def read(self) -> Any:
        """Return the aggregate, folded from all its events."""
        return self.application.repository.get(self._plant.id)

    def close(self) -> None:
        """Close the file."""
        self.application.close()


def outcome_of_aggregate(plant: Any) -> Outcome:
    """Say an aggregate's state as an outcome."""
    return [[str(plant.total), plant.count], [plant.last, plant.renamed], [plant.switched_on]]


@functools.cache
def _plant_class(domain: Any) -> Any:
    """Return the aggregate's class, the same one each time: the library knows classes by name."""
    event = domain.event

    class Plant(domain.Aggregate):  # type: ignore[misc]  # a library that is not always there
        """The same state as the reducer's, in the attributes of one aggregate."""

        def __init__(self) -> None:
            self.total, self.count = 0.0, 0
            self.last, self.renamed = "", 0
            self.switched_on = 0

        @event("Measured")  # type: ignore[untyped-decorator]
        def measure(self, key: str, value: float, count: int) -> None:
            del key
            self.total += value
            self.count += count

        @event("Renamed")  # type: ignore[untyped-decorator]
        def rename(self, key: str, label: str) -> None:
            del key
            self.last = label
            self.renamed += 1

        @event("Switched")  # type: ignore[untyped-decorator]
        def switch(self, key: str, is_on: bool) -> None:  # noqa: FBT001  # an event's field
            del key
            self.switched_on += is_on

    return Plant


def _check_durability(path: Path) -> None:
    """Check that a connection made as the library makes it waits for the disk at each commit.

    It sets no ``synchronous`` itself, so SQLite's default decides, which a build may change.
    """
    connection = sqlite3.connect(path)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        (found,) = connection.execute("PRAGMA synchronous").fetchone()
        (journal,) = connection.execute("PRAGMA journal_mode").fetchone()
    finally:
        connection.close()
    if found != _FULL:
        message = f"SQLite is at synchronous={found} here with the journal {journal}, not at FULL"
        raise ContestantMissingError(message)
