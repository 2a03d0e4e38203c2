"""The lobby of a game, and four bugs that can be planted in it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Final, Literal

import attrs
from pyrsistent import PMap, pmap

from refold.actions.action import Action, action
from refold.reducers.evolve import evolve
from tests.testing.laws.planted.planted_bug import Handler, PlantedBug, reducer_of

__all__ = ["BUGS"]

SEATS: Final = 4
"""So many can play."""

NO_POINTS: Final[PMap[str, int]] = pmap()


@attrs.frozen
class Lobby:
    """Who plays, and how it stands."""

    players: frozenset[str] = frozenset()
    scores: PMap[str, int] = NO_POINTS
    phase: Literal["waiting", "playing"] = "waiting"
    starter: str | None = None
    turn: int = 0


@action("planted_lobby/player_joined")
class PlayerJoined(Action):
    """Somebody wants to play."""

    name: str


@action("planted_lobby/player_left")
class PlayerLeft(Action):
    """Somebody does not any more."""

    name: str


@action("planted_lobby/round_started")
class RoundStarted(Action):
    """A round began."""


@action("planted_lobby/turn_passed")
class TurnPassed(Action):
    """It is the next player's turn."""


@action("planted_lobby/points_scored")
class PointsScored(Action):
    """Somebody did well."""

    name: str
    points: int = attrs.field(validator=attrs.validators.ge(0))


@action("planted_lobby/lobby_reset")
class LobbyReset(Action):
    """Everybody goes home."""


def _join(state: Lobby, action: PlayerJoined) -> Lobby:
    return state if len(state.players) >= SEATS else _take_a_seat(state, action)


def _join_one_too_many(state: Lobby, action: PlayerJoined) -> Lobby:
    return state if len(state.players) > SEATS else _take_a_seat(state, action)


def _take_a_seat(state: Lobby, action: PlayerJoined) -> Lobby:
    if action.name in state.players:
        return state
    return evolve(state, players=state.players | {action.name})


def _leave(state: Lobby, action: PlayerLeft) -> Lobby:
    if action.name not in state.players:
        return state
    return evolve(
        state,
        players=state.players - {action.name},
        scores=state.scores.discard(action.name),
        starter=None if state.starter == action.name else state.starter,
        turn=0,
    )


def _start(state: Lobby, _action: RoundStarted) -> Lobby:
    return _started(state, min(state.players, default=None))


def _start_with_whoever(state: Lobby, _action: RoundStarted) -> Lobby:
    return _started(state, next(iter(state.players), None))


def _started(state: Lobby, starter: str | None) -> Lobby:
    return state if starter is None else evolve(state, phase="playing", starter=starter)


def _pass(state: Lobby, action: TurnPassed) -> Lobby:
    return _pass_among_all(state, action) if state.players else state


def _pass_among_all(state: Lobby, _action: TurnPassed) -> Lobby:
    return evolve(state, turn=(state.turn + 1) % len(state.players))


def _score(state: Lobby, action: PointsScored) -> Lobby:
    if action.name not in state.players:
        return state
    points = state.scores.get(action.name, 0) + action.points
    return evolve(state, scores=state.scores.set(action.name, points))


def _reset(_state: Lobby, _action: LobbyReset) -> Lobby:
    return _EMPTY


def _reset_but_keep_the_points(state: Lobby, _action: LobbyReset) -> Lobby:
    return evolve(state, players=frozenset(), phase="waiting", starter=None, turn=0)


def there_is_a_seat_for_each(state: Lobby) -> bool:
    """Nobody stands."""
    return len(state.players) <= 4


def a_reset_lobby_is_as_at_first(_before: Lobby, action: Action, after: Lobby) -> bool:
    """Nothing is kept."""
    return not isinstance(action, LobbyReset) or after == Lobby()


HANDLERS: Final[Mapping[type[Action], Handler]] = {
    PlayerJoined: _join,
    PlayerLeft: _leave,
    RoundStarted: _start,
    TurnPassed: _pass,
    PointsScored: _score,
    LobbyReset: _reset,
}

_EMPTY: Final = Lobby()
_make = partial(reducer_of, _EMPTY)
_sound = partial(_make, HANDLERS)

BUGS: Final = (
    PlantedBug(
        kind="depends on set order",
        place="who of the players starts",
        broken=partial(_make, {**HANDLERS, RoundStarted: _start_with_whoever}),
        sound=_sound,
        law="same_input_same_output",
        shortest=3,
    ),
    PlantedBug(
        kind="forgets a field on reset",
        place="the points of a lobby that was reset",
        broken=partial(_make, {**HANDLERS, LobbyReset: _reset_but_keep_the_points}),
        sound=_sound,
        law="a_reset_lobby_is_as_at_first",
        shortest=3,
        invariants=(a_reset_lobby_is_as_at_first,),
    ),
    PlantedBug(
        kind="off by one at a bound",
        place="a player without a seat",
        broken=partial(_make, {**HANDLERS, PlayerJoined: _join_one_too_many}),
        sound=_sound,
        law="there_is_a_seat_for_each",
        shortest=5,
        invariants=(there_is_a_seat_for_each,),
    ),
    PlantedBug(
        kind="raises on an empty collection",
        place="the next of no players",
        broken=partial(_make, {**HANDLERS, TurnPassed: _pass_among_all}),
        sound=_sound,
        law="never_raises",
        shortest=1,
    ),
)
"""The bugs of the lobby."""
