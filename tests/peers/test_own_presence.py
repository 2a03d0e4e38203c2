"""`OwnPresence`: what a program says of itself, and for how long."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyrsistent import pvector

from refold.middleware.own_presence import OwnPresence
from refold.middleware.peer_network.peer_identity import PeerIdentity
from refold.middleware.peer_network.signed_presence import read_signed_presence, sign_presence
from refold.reducers.presence_rules import find_fault_in_presence

IDENTITY = PeerIdentity.from_seed(bytes(range(32)))
ADDRESS = f"/ip4/127.0.0.1/tcp/4001/ws/p2p/{IDENTITY.peer_id}"
DAY_SECONDS = 24 * 3600

lifetimes = st.floats(min_value=0.001, max_value=DAY_SECONDS)
names = st.text(st.characters(codec="utf-8"), max_size=40)
times = st.integers(0, 2**45)


@given(names, names, names, lifetimes, times)
def test_a_presence_says_what_was_chosen(
    nickname: str, wallet_address: str, avatar: str, lifetime: float, now_ms: int
) -> None:
    """A presence has the chosen fields, id and addresses, begins now, and lasts so long."""
    about = OwnPresence(
        nickname=nickname, wallet_address=wallet_address, avatar=avatar, lifetime_seconds=lifetime
    )
    presence = about.presence(IDENTITY.peer_id, [ADDRESS, "/second"], now_ms)
    assert (presence.nickname, presence.wallet_address, presence.avatar) == (
        nickname,
        wallet_address,
        avatar,
    )
    assert presence.peer_id == IDENTITY.peer_id
    assert presence.addresses == pvector([ADDRESS, "/second"])
    assert presence.created_at_ms == now_ms
    assert abs(presence.expires_at_ms - now_ms - lifetime * 1000) <= 1


@given(lifetimes, times)
def test_what_is_said_of_oneself_is_believed_by_others(lifetime: float, now_ms: int) -> None:
    """Identity and safety: a presence of a lifetime that is allowed, signed, is read as it was."""
    about = OwnPresence(nickname="ann", wallet_address="lotus", lifetime_seconds=lifetime)
    presence = about.presence(IDENTITY.peer_id, [ADDRESS], now_ms)
    assert find_fault_in_presence(presence, now_ms=now_ms) is None
    assert read_signed_presence(sign_presence(presence, IDENTITY), now_ms) == presence


def test_a_presence_lasts_ten_minutes_if_nothing_else_is_said() -> None:
    """Nothing has to be chosen: no name, no wallet, no picture, ten minutes."""
    presence = OwnPresence().presence(IDENTITY.peer_id, [], 1_000)
    assert (presence.nickname, presence.wallet_address, presence.avatar) == ("", "", "")
    assert presence.addresses == pvector()
    assert presence.expires_at_ms == 601_000


@pytest.mark.parametrize("seconds", [0, -1, -0.5, DAY_SECONDS + 1, float("inf"), float("nan")])
def test_a_lifetime_is_above_nothing_and_at_most_a_day(seconds: float) -> None:
    """Identity and safety: a presence lasts at most 24 h; another lifetime is refused by name."""
    with pytest.raises(ValueError, match="lifetime_seconds"):
        OwnPresence(lifetime_seconds=seconds)


@pytest.mark.parametrize("seconds", ["600", None, True, 1j])
def test_a_lifetime_is_a_number(seconds: Any) -> None:
    """A lifetime that is no number is refused by name."""
    with pytest.raises(TypeError, match="lifetime_seconds"):
        OwnPresence(lifetime_seconds=seconds)


@pytest.mark.parametrize("seconds", [0.001, 1, DAY_SECONDS])
def test_the_ends_of_the_range_are_in_it(seconds: float) -> None:
    """A whole day, a whole second and a millisecond are lifetimes."""
    assert OwnPresence(lifetime_seconds=seconds).lifetime_seconds == seconds


def test_what_one_says_of_oneself_cannot_be_changed() -> None:
    """It is a value: equal to another of the same fields, and frozen."""
    about = OwnPresence(nickname="ann")
    assert about == OwnPresence(nickname="ann")
    with pytest.raises(AttributeError):
        about.nickname = "bob"  # type: ignore[misc]  # that is what is refused


@pytest.mark.parametrize("field", ["nickname", "wallet_address", "avatar"])
@pytest.mark.parametrize("text", ["x" * 10_000, "\ud800"])
def test_what_could_not_be_published_is_refused_when_it_is_chosen(field: str, text: str) -> None:
    """A text too long for a presence of 8 KiB, or that is no Unicode, is refused by name."""
    with pytest.raises(ValueError, match=field):
        OwnPresence(**{field: text})  # type: ignore[arg-type]  # a field of texts
