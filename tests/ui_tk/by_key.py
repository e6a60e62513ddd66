"""How each action is done from the keyboard, and how one sees that it was.

`by_NAME` is for the action of that name in `ui_tk.actions`.
"""

from __future__ import annotations

from platypus import Call, CallState, TransferProgressed
from tests.harness.programs import wait_until
from tests.ui_tk.desk import LIMIT, Desk
from tests.ui_tk.test_window import QUIET, loudness

LOUD = 5000


def by_enter(desk: Desk) -> None:
    desk.screen.type("600")
    desk.key("Return")
    desk.until(desk.echo)


def by_answer(desk: Desk) -> None:
    call = desk.rings()
    desk.key("ctrl+Return")
    desk.until(lambda: call.state is CallState.CONFIRMED)


def by_escape(desk: Desk) -> None:
    call = desk.call_bob()
    desk.key("Escape")
    desk.until(lambda: ended(call))


def by_divert(desk: Desk) -> None:
    desk.rings()
    desk.key("ctrl+f")
    desk.screen.type("600")
    desk.key("Return")
    desk.until(desk.echo)


def by_mute(desk: Desk) -> None:
    call = desk.call_bob()
    assert loudness(desk.exchange, call) > LOUD
    desk.key("ctrl+m")
    assert loudness(desk.exchange, call) < QUIET


def by_hold(desk: Desk) -> None:
    call = desk.call_bob()
    desk.key("ctrl+h")
    desk.until(lambda: call.hold_state == "remote")
    desk.key("ctrl+h")
    desk.until(lambda: call.hold_state == "none")


def by_transfer(desk: Desk) -> None:
    desk.call_bob()
    desk.key("ctrl+t")
    desk.screen.type("600")
    desk.key("Return")
    desk.until(desk.echo)
    desk.screen.wait_for_title("registered")


def by_conference(desk: Desk) -> None:
    call = desk.call_bob()
    desk.key("ctrl+l")
    desk.screen.type("602")
    desk.key("Return")
    desk.screen.wait_for_title("In call with 602")
    desk.until(lambda: call.hold_state == "remote")
    desk.key("ctrl+j")
    desk.until(lambda: call.hold_state == "none")


def by_split(desk: Desk) -> None:
    by_conference(desk)
    desk.key("ctrl+k")
    desk.key("ctrl+2")  # the other one to the front: those apart are held
    desk.until(lambda: held(desk.echo("602")))


def by_record(desk: Desk) -> None:
    call = desk.call_bob()
    desk.key("ctrl+s")
    folder = desk.folder / "Platypus recordings"
    wait_until(lambda: bool(list(folder.glob("*.wav"))), "a recording")
    desk.key("ctrl+s", "Escape")
    desk.until(lambda: ended(call))


def by_redial(desk: Desk) -> None:
    by_enter(desk)
    desk.screen.wait_for_title("In call with 600")
    first = desk.echo()
    desk.key("Escape")
    desk.until(lambda: ended(first))
    desk.screen.wait_for_title("registered")
    desk.key("ctrl+r")
    desk.until(lambda: desk.echo() not in (None, first))


def by_pick_up(desk: Desk) -> None:
    desk.bob_rings()
    desk.key_until("ctrl+p", lambda: desk.exchange.carol_is_taken)
    desk.screen.wait_for_title("In call with carol")


def by_dnd(desk: Desk) -> None:
    desk.key("ctrl+d")
    refused(desk)


def by_quit(desk: Desk) -> None:
    desk.key("ctrl+q")
    assert desk.window.wait(LIMIT) == 0


def by_history(desk: Desk) -> None:
    by_enter(desk)
    desk.screen.wait_for_title("In call with 600")
    desk.key("Escape")
    desk.screen.wait_for_title("registered")
    first = desk.echo()
    desk.key("F2", "Return")
    desk.until(lambda: desk.echo() not in (None, first))


def by_contacts(desk: Desk) -> None:
    desk.key("F3", "Return")
    desk.until(lambda: desk.exchange.bob.calls)


def by_team(desk: Desk) -> None:
    desk.key("F4", "Return")
    desk.until(lambda: desk.exchange.bob.calls)


def by_settings(desk: Desk) -> None:
    desk.key("ctrl+comma")
    desk.screen.wait_for_title("^Settings")


def by_keys(desk: Desk) -> None:
    desk.key("F1")
    desk.screen.wait_for_title("^All keys")


def by_number(desk: Desk) -> None:
    desk.call_bob()
    desk.key("ctrl+l")
    desk.screen.type("600")  # in the entry digits are a number, not tones
    desk.key("Return")
    desk.until(desk.echo)


def by_accept_transfer(desk: Desk) -> None:
    desk.asked_to_call_the_echo()
    desk.key_until("ctrl+y", desk.echo)


def by_refuse_transfer(desk: Desk) -> None:
    desk.asked_to_call_the_echo()
    desk.key_until("ctrl+n", lambda: transfer_refused(desk))


def by_voicemail(desk: Desk) -> None:
    desk.key("F5")
    desk.until(desk.echo)


def by_account(desk: Desk) -> None:
    desk.key("ctrl+a")
    desk.screen.wait_for_title(r"spare@.* \(not registered\)")


def ended(call: Call | None) -> bool:
    return call is None or call.state is CallState.ENDED


def held(call: Call | None) -> bool:
    return call is not None and call.hold_state == "remote"


def refused(desk: Desk) -> None:
    """Whoever calls Alice is told that she is busy."""
    call = desk.exchange.call_of_bob("alice")
    assert desk.exchange.run(call.ended()).code == 486


def transfer_refused(desk: Desk) -> bool:
    told = (each for each in desk.exchange.events if isinstance(each, TransferProgressed))
    return any(each.status == 603 for each in told)
