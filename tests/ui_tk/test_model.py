"""What the window shows and what its keys do, without a window."""

from __future__ import annotations

import pytest

from platypus.contacts import Book, Contact, Number
from ui_tk.messages import (
    AccountChanged,
    AccountSettings,
    Answer,
    AnswerTransfer,
    CallChanged,
    CallOver,
    Conference,
    DeviceSettled,
    Dial,
    Divert,
    HangUp,
    Hold,
    Join,
    LampChanged,
    LevelsMeasured,
    MailboxChanged,
    Mute,
    PickUp,
    QualityMeasured,
    Ready,
    Record,
    Rules,
    RulesChanged,
    SendDigit,
    SetRules,
    Split,
    Stopped,
    Transfer,
    TransferAsked,
    TransferTold,
    Trouble,
    Watch,
)
from ui_tk.model import MAX_NUMBER, MAX_RECENT, Model

ALICE = "sip:alice@example.com"


@pytest.fixture
def model() -> Model:
    model = Model()
    model.receive(AccountChanged(ALICE, "registered"), 0.0)
    model.receive(Ready(), 0.0)
    return model


def call(
    model: Model, key: str = "1", state: str = "confirmed", *, at: float = 0.0, **more: object
) -> None:
    more.setdefault("direction", "outgoing")
    more.setdefault("remote", "sip:bob@example.com")
    model.receive(CallChanged(key, state=state, **more), at)


def ring(model: Model, key: str = "9", **more: object) -> None:
    more.setdefault("remote", "sip:carol@example.com")
    call(model, key, "ringing", direction="incoming", **more)


def over(model: Model, key: str = "1", code: int | None = 200, *, at: float = 0.0, **more) -> None:
    model.receive(CallOver(key, code, more.pop("reason", ""), more.pop("by", "remote"), **more), at)


class TestAccount:
    def test_shows_the_truth_and_its_colour(self, model):
        assert (model.account_tone, model.title) == (
            "good",
            "Platypus - alice@example.com (registered)",
        )
        model.receive(AccountChanged(ALICE, "failed", "wrong password"), 1.0)
        assert model.account_tone == "bad"
        assert "not registered" in model.title

    def test_a_failure_says_why_and_when_it_tries_again(self, model):
        model.receive(AccountChanged(ALICE, "failed", "The server is silent.", 29.6), 1.0)
        assert model.below == ("The server is silent. Trying again in 30 s.", "bad")

    def test_a_dead_engine_is_registered_nowhere(self, model):
        call(model)
        model.receive(Stopped("port 5060 is in use"), 2.0)
        assert model.account_now.state == "unregistered"
        assert model.active is None
        assert model.below == ("The phone stopped: port 5060 is in use", "bad")

    def test_the_password_is_in_no_text(self):
        assert "hunter2" not in repr(AccountSettings(ALICE, "hunter2"))


class TestDialling:
    def test_keys_make_a_number_and_return_calls_it(self, model):
        for key in "600":
            assert model.type(key) == []
        assert model.enter() == [Dial("600", ALICE)]
        assert model.number == ""

    def test_a_pasted_number_is_tidied(self, model):
        model.paste("+49 (30) 90 18 20")
        assert model.enter() == [Dial("+4930901820", ALICE)]

    def test_from_the_account_that_was_chosen(self, model):
        model.receive(AccountChanged("sip:b@example.com", "registered"), 0.0)
        model.account = "sip:b@example.com"
        model.set_number("600")
        assert model.enter() == [Dial("600", "sip:b@example.com")]

    def test_return_without_a_number_brings_the_last_one_back(self, model):
        assert model.enter() == []
        call(model)
        over(model)
        assert model.enter() == []
        assert model.number == "bob"

    def test_waits_for_the_engine(self):
        model = Model()
        model.set_number("600")
        assert model.enter() == []
        assert model.below[1] == "bad"
        assert model.number == "600"

    def test_a_number_has_an_end(self, model):
        model.set_number("1" * 10_000)
        assert len(model.number) == MAX_NUMBER

    def test_a_new_number_takes_the_old_trouble_away(self, model):
        model.receive(Trouble("It went wrong."), 0.0)
        assert model.below == ("It went wrong.", "bad")
        model.type("6")
        assert model.below == ("", "plain")

    def test_escape_clears_it(self, model):
        model.set_number("600")
        assert model.escape() == []
        assert model.number == ""


class TestInACall:
    @pytest.mark.parametrize(
        ("state", "hold", "muted", "shown"),
        [
            ("trying", "none", False, "Calling…"),
            ("ringing", "none", False, "Ringing…"),
            ("early", "none", False, "Ringing… (you can hear the other side)"),
            ("confirmed", "none", False, "1:05"),
            ("confirmed", "local", False, "1:05  ·  On hold"),
            ("confirmed", "remote", True, "1:05  ·  The other side holds the call  ·  Muted"),
            ("confirmed", "both", False, "1:05  ·  On hold at both ends"),
        ],
    )
    def test_its_state_and_time_are_shown(self, model, state, hold, muted, shown):
        call(model, state=state, hold=hold, muted=muted, at=10.0)
        assert model.active.state(75.0) == shown

    def test_time_counts_from_the_answer(self, model):
        call(model, state="ringing", at=0.0)
        call(model, at=30.0)
        call(model, hold="local", at=50.0)
        assert model.active.state(60.0).startswith("0:30")

    def test_the_title_says_whom_with(self, model):
        call(model, state="ringing", display_name="Bob")
        assert model.title == "Calling Bob - Platypus"
        call(model, display_name="Bob")
        assert model.title == "In call with Bob - Platypus"

    def test_keys_are_tones_and_are_shown(self, model):
        call(model)
        assert model.type("5") == [SendDigit("1", "5")]
        assert model.type("#") == [SendDigit("1", "#")]
        assert model.active.digits == "5#"
        assert model.number == ""

    def test_keys_are_tones_with_early_media_but_not_while_it_rings(self, model):
        call(model, state="early")
        assert model.type("1") == [SendDigit("1", "1")]
        over(model)
        call(model, "2", state="ringing")
        assert model.type("1") == []

    def test_a_plus_is_no_tone(self, model):
        call(model)
        assert model.type("+") == []
        assert (model.number, model.active.digits) == ("", "")

    def test_in_the_entry_keys_are_a_number(self, model):
        call(model)
        assert model.type("5", into_number=True) == []
        assert model.number == "5"

    def test_mute_and_hold_switch(self, model):
        call(model)
        assert model.lines.toggle_mute() == [Mute("1", True)]
        assert model.lines.toggle_hold() == [Hold("1", True)]
        call(model, muted=True, hold="local")
        assert model.lines.toggle_mute() == [Mute("1", False)]
        assert model.lines.toggle_hold() == [Hold("1", False)]

    def test_hold_waits_for_the_answer(self, model):
        call(model, state="ringing")
        assert model.lines.toggle_hold() == []

    def test_being_held_is_not_holding(self, model):
        call(model, hold="remote")
        assert model.lines.toggle_hold() == [Hold("1", True)]

    def test_escape_and_the_red_button_end_it(self, model):
        call(model)
        assert model.escape() == model.lines.hang_up() == [HangUp("1")]

    def test_levels_are_those_of_their_call(self, model):
        call(model)
        model.receive(LevelsMeasured("1", 0.5, None), 0.0)
        model.receive(LevelsMeasured("gone", 1.0, 1.0), 0.0)
        assert (model.active.sent, model.active.heard) == (0.5, None)

    def test_without_a_call_the_call_keys_do_nothing(self, model):
        assert model.lines.toggle_mute() == model.lines.toggle_hold() == model.lines.hang_up() == []
        assert model.answer() == model.lines.refuse() == []


class TestIncoming:
    def test_rings_until_answered(self, model):
        ring(model, display_name="Carol")
        assert model.ringing.party == "Carol"
        assert model.title == "Carol calls - Platypus"
        assert model.active is None
        assert model.enter() == [Answer("9")]
        call(model, "9", direction="incoming")
        assert model.ringing is None
        assert model.active.call.call == "9"

    def test_escape_refuses_it(self, model):
        ring(model)
        assert model.escape() == [HangUp("9")]

    def test_answering_goes_before_calling(self, model):
        model.set_number("600")
        ring(model)
        assert model.enter() == [Answer("9")]
        assert model.number == "600"

    def test_in_a_call_the_call_stays_in_front_and_is_held_by_answering(self, model):
        call(model)
        ring(model)
        assert model.active.call.call == "1"
        assert model.type("5") == [SendDigit("1", "5")]
        assert model.answer() == [Hold("1", True), Answer("9")]
        assert model.lines.selected == "9"

    def test_the_answered_one_comes_to_the_front_whatever_is_told_first(self, model):
        call(model)
        ring(model)
        model.answer()
        call(model, hold="local")
        call(model, "9", direction="incoming")
        assert model.active.call.call == "9"

    def test_one_that_rings_never_comes_to_the_front_by_itself(self, model):
        ring(model)
        call(model, state="ringing")
        assert model.active.call.call == "1"
        over(model)
        assert (model.active, model.ringing.call.call) == (None, "9")

    def test_escape_refuses_the_second_before_it_ends_the_first(self, model):
        call(model)
        ring(model)
        assert model.escape() == [HangUp("9")]

    def test_our_own_ringing_call_is_not_one_to_answer(self, model):
        call(model, state="ringing")
        assert model.ringing is None


class TestSeveral:
    def test_a_second_call_holds_the_first(self, model):
        call(model)
        model.set_number("602")
        assert model.enter() == [Hold("1", True), Dial("602", ALICE)]

    def test_what_is_dialled_comes_to_the_front(self, model):
        call(model, hold="local")
        call(model, "2", state="trying")
        call(model, hold="local")
        assert model.active.call.call == "2"

    def test_changing_to_another_holds_and_resumes(self, model):
        call(model, "2", hold="local")
        call(model)
        assert model.lines.select("2") == [Hold("1", True), Hold("2", False)]
        assert model.active.call.call == "2"
        assert model.lines.select("2") == model.lines.select("gone") == []

    def test_the_end_of_one_brings_the_other_forward(self, model):
        call(model)
        call(model, "2", hold="local")
        over(model, "1")
        assert model.active.call.call == "2"


class TestTheEnd:
    def test_of_a_call_says_how_long_it_was(self, model):
        call(model, at=10.0)
        over(model, at=73.0)
        assert model.below == ("Call with bob ended after 1:03.", "plain")
        assert (model.recent[0].kind, model.recent[0].duration_s) == ("outgoing", 63.0)

    def test_of_a_failed_call_says_why(self, model):
        call(model, state="trying")
        over(model, code=486)
        assert model.below == ("bob: Busy.", "bad")
        assert model.recent[0].kind == "failed"

    def test_of_a_call_we_cancelled_is_no_failure(self, model):
        call(model, state="ringing")
        over(model, code=487, by="local")
        assert model.below == ("bob: Cancelled.", "plain")
        assert model.recent[0].kind == "outgoing"

    def test_of_an_unanswered_call_is_a_missed_one(self, model):
        ring(model)
        over(model, "9", 487)
        assert model.below == ("Missed call from carol.", "busy")
        assert (model.recent[0].kind, model.unseen) == ("missed", 1)
        assert model.mark_seen() and not model.mark_seen()
        assert model.unseen == 0

    def test_of_a_call_taken_elsewhere_is_not(self, model):
        ring(model)
        over(model, "9", 487, elsewhere=True)
        assert model.below == ("carol: Answered on another phone.", "plain")
        assert (model.recent[0].kind, model.unseen) == ("elsewhere", 0)

    def test_of_a_call_nobody_knows_is_nothing(self, model):
        over(model, "gone")
        assert len(model.recent) == 0

    def test_the_log_has_an_end_and_the_newest_first(self, model):
        for number in range(MAX_RECENT + 5):
            call(model, str(number), remote=f"sip:{number}@pbx")
            over(model, str(number))
        assert len(model.recent) == MAX_RECENT
        assert model.recent[0].uri == f"sip:{MAX_RECENT + 4}@pbx"


class TestTransfer:
    def test_the_next_number_is_where_the_call_goes(self, model):
        call(model)
        model.begin_picking("transfer")
        assert model.below == ("Transfer bob: to which number?", "busy")
        assert model.type("6") == []
        assert model.enter() == [Transfer("1", "6")]
        assert (model.picking, model.number) == (None, "")

    def test_another_call_can_be_picked_instead(self, model):
        call(model, "2", hold="local", remote="sip:carol@example.com")
        call(model)
        model.begin_picking("transfer")
        assert model.below[0].endswith("or pick the other call.")
        assert model.pick_call("1") == []
        assert model.pick_call("2") == [Join("1", "2")]
        assert model.picking is None

    def test_without_it_a_picked_call_comes_to_the_front(self, model):
        call(model, "2", hold="local")
        call(model)
        assert model.pick_call("2") == [Hold("1", True), Hold("2", False)]

    def test_escape_gives_it_up_and_ends_no_call(self, model):
        call(model)
        model.begin_picking("transfer")
        assert model.escape() == []
        assert model.picking is None and model.active is not None

    def test_it_waits_for_the_answer_and_ends_with_the_call(self, model):
        call(model, state="ringing")
        model.begin_picking("transfer")
        assert model.picking is None
        call(model)
        model.begin_picking("transfer")
        over(model)
        assert model.picking is None

    def test_what_came_of_it_is_told(self, model):
        call(model)
        model.receive(TransferTold("1", 100, False), 1.0)
        assert model.active.transfer == "Transferring…"
        model.receive(TransferTold("1", 486, True, "Busy Here"), 2.0)
        assert model.below == ("Not transferred: Busy.", "bad")
        assert model.active.transfer == ""
        model.receive(TransferTold("1", 200, True), 3.0)
        assert model.notice == "bob is transferred."
        model.receive(CallOver("1", 200, "", "local"), 3.1)
        assert model.notice == "bob is transferred."  # its end, which follows at once, is no news

    def test_being_transferred_is_asked_about(self, model):
        call(model)
        assert model.answer_transfer("1", accept=True) == []
        model.receive(TransferAsked("1", "sip:carol@example.com"), 1.0)
        assert model.active.asked == "sip:carol@example.com"
        assert model.answer_transfer("1", accept=True) == [AnswerTransfer("1", True)]
        assert model.active.asked == ""


class TestDiverting:
    def test_a_ringing_call_is_sent_to_the_next_number(self, model):
        ring(model)
        model.begin_picking("divert")
        model.type("7")
        assert model.enter() == [Divert("9", "7")]

    def test_only_what_rings_can_be_diverted(self, model):
        call(model)
        model.begin_picking("divert")
        assert model.picking is None

    def test_it_can_still_be_answered(self, model):
        ring(model)
        model.begin_picking("divert")
        assert model.answer() == [Answer("9")]
        assert model.picking is None


class TestConference:
    def test_takes_every_answered_call(self, model):
        call(model, "2", hold="local")
        call(model)
        call(model, "3", state="ringing")
        model.lines.selected = "1"
        assert model.lines.conference() == [Conference(("1", "2"))]

    def test_needs_two(self, model):
        call(model)
        assert model.lines.conference() == []

    def test_one_is_taken_out_again(self, model):
        call(model)
        assert model.lines.split() == []
        call(model, conference=True)
        assert model.lines.split() == [Split("1")]

    def test_its_calls_are_not_held_for_each_other(self, model):
        call(model, "2", conference=True)
        call(model, conference=True)
        assert model.lines.select("2") == []


class TestRecording:
    def test_begins_and_ends(self, model):
        call(model)
        assert model.lines.toggle_record("a.wav") == [Record("1", "a.wav")]
        call(model, recording=True)
        assert model.lines.toggle_record("b.wav") == [Record("1", None)]


class TestRules:
    def test_do_not_disturb_is_switched_and_the_rest_stays(self, model):
        model.receive(RulesChanged(Rules(forward_busy="7")), 0.0)
        assert model.toggle_dnd() == [SetRules(Rules(dnd=True, forward_busy="7"))]


class TestVoicemail:
    def test_the_lamp_counts_and_calls_the_mailbox(self, model):
        assert model.call_voicemail() == []
        model.receive(MailboxChanged(ALICE, "sip:vm@example.com", True, 3, 1), 0.0)
        assert model.messages_waiting == 3
        assert model.call_voicemail() == [Dial("sip:vm@example.com", ALICE)]

    def test_a_number_of_the_settings_goes_before(self, model):
        model.receive(MailboxChanged(ALICE, "sip:vm@example.com", True, 0, 0), 0.0)
        model.voicemail[ALICE] = "*97"
        assert model.messages_waiting == 1
        assert model.call_voicemail() == [Dial("*97", ALICE)]


class TestLamps:
    @pytest.fixture
    def team(self, model):
        model.book = Book(None)
        model.book.add(Contact("Dora", (Number("204"),), watch=True), Contact("Eve"))
        return model

    def test_those_who_are_watched_are_subscribed_to(self, team):
        assert team.watch_all() == [Watch("204", True)]

    def test_a_lamp_that_is_free_calls(self, team):
        team.receive(LampChanged("sip:204@example.com", "terminated"), 0.0)
        (dora,) = team.watched
        assert (team.lamp_of(dora), team.press_lamp(dora)) == ("terminated", [Dial("204", ALICE)])

    def test_a_lamp_that_rings_is_picked_up(self, team):
        team.receive(LampChanged("sip:204@example.com", "early"), 0.0)
        assert team.press_lamp(team.watched[0]) == [PickUp("204", ALICE)]

    def test_callers_have_the_names_of_the_contacts(self, team):
        ring(team, remote="sip:204@example.com", display_name="Extension 204")
        assert team.ringing.party == "Dora"


class TestRedial:
    def test_calls_whom_we_called_last(self, model):
        assert model.redial() == []
        ring(model)
        over(model, "9", 487)
        call(model, remote="sip:600@example.com")
        over(model)
        ring(model)
        over(model, "9", 487)
        assert model.redial() == [Dial("600@example.com", ALICE)]


def test_what_was_measured_of_a_call_that_is_over_is_nothing(model):
    model.receive(QualityMeasured("gone", mos=4.2), 0.0)
    call(model)
    model.receive(QualityMeasured("1", mos=4.2), 0.0)
    assert list(model.active.quality.mos) == [4.2]


def test_a_new_engine_knows_nothing_of_the_old_one(model):
    call(model)
    model.reset()
    assert (model.accounts, model.lines.all, model.running) == ({}, {}, False)


def test_no_sound_card_is_said(model):
    model.receive(DeviceSettled(None, None, "no sound card"), 0.0)
    assert (model.device, model.has_sound) == ("No sound: no sound card", False)
    model.receive(DeviceSettled("Headset", "Headset"), 0.0)
    assert (model.device, model.has_sound) == ("Headset", True)
