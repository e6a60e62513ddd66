"""What the icon in the tray shows and offers, without a tray."""

from __future__ import annotations

import pytest

from ui_tk.deeds import OUTSIDE, Deeds
from ui_tk.messages import AccountChanged, CallChanged, CallOver, Ready, Rules, RulesChanged
from ui_tk.model import Model
from ui_tk.tray import face_of

ALICE = "sip:alice@example.com"


@pytest.fixture
def model() -> Model:
    model = Model()
    model.receive(Ready(), 0.0)
    model.receive(AccountChanged(ALICE, "registered"), 0.0)
    return model


def call(model: Model, state: str, direction: str = "incoming", **more: object) -> None:
    model.receive(CallChanged("1", direction, state, "sip:bob@example.com", "Bob", **more), 0.0)  # type: ignore[arg-type]


def offered(model: Model) -> dict[str, bool]:
    """The lines of the menu that can be chosen, and whether they are ticked."""
    return {each.deed: bool(each.checked) for each in face_of(model).menu if each.enabled}


def test_it_says_whether_the_account_is_registered(model):
    assert face_of(model).state == "registered"
    assert face_of(model).text == "alice@example.com (registered)"
    model.receive(AccountChanged(ALICE, "failed", "no"), 1.0)
    assert face_of(model).state == "unregistered"


def test_a_call_that_rings_can_be_answered_and_refused(model):
    call(model, "ringing")
    assert face_of(model).state == "ringing"
    assert face_of(model).title == "Bob calls"
    assert {"answer", "refuse"} < set(offered(model))


def test_a_call_can_be_muted_and_hung_up(model):
    call(model, "confirmed", muted=True)
    assert face_of(model).state == "talking"
    assert offered(model)["mute"] and "hang_up" in offered(model)
    assert "answer" not in offered(model)


def test_missed_calls_are_shown_until_somebody_has_looked(model):
    call(model, "ringing")
    model.receive(CallOver("1", 487, "Cancelled", "remote"), 2.0)
    assert (face_of(model).state, face_of(model).text) == ("missed", "Missed calls: 1")
    model.mark_seen()
    assert face_of(model).state == "registered"


def test_do_not_disturb_is_ticked(model):
    assert not offered(model)["dnd"]
    model.receive(RulesChanged(Rules(dnd=True)), 1.0)
    assert offered(model)["dnd"]


def test_every_line_is_a_deed_that_may_be_asked_for_from_outside(model):
    deeds = set(offered(model))
    call(model, "ringing")
    deeds |= set(offered(model))
    call(model, "confirmed")
    deeds |= set(offered(model))
    assert deeds - {""} <= set(OUTSIDE)
    assert all(callable(getattr(Deeds, name)) for name in OUTSIDE)
