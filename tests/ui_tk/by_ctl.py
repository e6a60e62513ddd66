"""How each action is done from a shell, and how one sees that it was.

`by_NAME` is for the action of that name in `ui_tk.actions`; `do` runs its command with what
`...` stands for, and gives back the reply.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from platypus import CallState
from tests.harness.programs import wait_until
from tests.ui_tk.by_key import ended, held, refused, transfer_refused
from tests.ui_tk.desk import LIMIT, Desk
from tests.ui_tk.test_window import QUIET, loudness
from ui_tk.actions import Action

Do = Callable[..., dict[str, Any]]


def words(action: Action, **values: str) -> list[str]:
    """What follows `platypus ctl`: `to=...` is filled in, other values are added."""
    command, *fields = action.ctl.split()
    said = dict(field.split("=", 1) for field in fields) | values
    assert "..." not in said.values(), f"{action.name} needs {said}"
    return [command, *(f"{name}={value}" for name, value in said.items())]


def by_enter(desk: Desk, do: Do) -> None:
    do(to="600")
    desk.until(desk.echo)
    desk.screen.wait_for_title("In call with 600")


def by_answer(desk: Desk, do: Do) -> None:
    call = desk.rings()
    do()
    desk.until(lambda: call.state is CallState.CONFIRMED)
    desk.screen.wait_for_title("In call with Bob Miller")


def by_escape(desk: Desk, do: Do) -> None:
    call = desk.call_bob()
    do()
    desk.until(lambda: ended(call))


def by_divert(desk: Desk, do: Do) -> None:
    desk.rings()
    do(to="600")
    desk.until(desk.echo)


def by_mute(desk: Desk, do: Do) -> None:
    call = desk.call_bob()
    do()
    assert loudness(desk.exchange, call) < QUIET


def by_hold(desk: Desk, do: Do) -> None:
    call = desk.call_bob()
    do()
    desk.until(lambda: call.hold_state == "remote")
    desk.ctl("resume")
    desk.until(lambda: call.hold_state == "none")


def by_transfer(desk: Desk, do: Do) -> None:
    desk.call_bob()
    do(to="600")
    desk.until(desk.echo)
    desk.screen.wait_for_title("registered")


def by_conference(desk: Desk, do: Do) -> None:
    call = desk.call_bob()
    desk.ctl("hold")
    desk.until(lambda: call.hold_state == "remote")
    desk.ctl("call", "to=602")
    desk.screen.wait_for_title("In call with 602")
    do(calls=",".join(each["call"] for each in desk.ctl("calls")["calls"]))
    desk.until(lambda: call.hold_state == "none")


def by_split(desk: Desk, do: Do) -> None:
    by_conference(desk, lambda **values: desk.ctl("conference", f"calls={values['calls']}"))
    do()
    desk.ctl("hold", f"call={desk.ctl('calls')['calls'][-1]['call']}")
    desk.until(lambda: held(desk.echo("602")))


def by_record(desk: Desk, do: Do) -> None:
    desk.call_bob()
    file = desk.folder / "call.wav"
    do(file=str(file))
    wait_until(lambda: file.exists() and file.stat().st_size > 1000, "a recording")
    desk.ctl("stop_record")


def by_redial(desk: Desk, do: Do) -> None:
    by_enter(desk, do)


def by_voicemail(desk: Desk, do: Do) -> None:
    by_enter(desk, do)


def by_pick_up(desk: Desk, do: Do) -> None:
    desk.bob_rings()
    desk.ctl_as_soon_as_it_may("pickup", "to=bob")
    desk.screen.wait_for_title("In call with carol")


def by_dnd(desk: Desk, do: Do) -> None:
    do()
    refused(desk)


def by_account(desk: Desk, do: Do) -> None:
    """The other account of the two, which the window does not show."""
    spare = desk.exchange.pbx.uri("spare")
    do(account=spare, to="600")
    desk.until(desk.echo)
    assert desk.ctl("calls")["calls"][-1]["account"] == spare


def by_number(desk: Desk, do: Do) -> None:
    do()
    desk.screen.type("600")
    desk.key("Return")
    desk.until(desk.echo)


def by_history(desk: Desk, do: Do) -> None:
    desk.ctl("call", "to=bob")
    desk.screen.wait_for_title("Calling Bob Miller")
    desk.ctl("hangup")
    desk.screen.wait_for_title("registered")
    do()
    desk.key("Return")
    desk.until(lambda: desk.exchange.bob.calls)


def by_contacts(desk: Desk, do: Do) -> None:
    do()
    desk.key("Return")
    desk.until(lambda: desk.exchange.bob.calls)


def by_team(desk: Desk, do: Do) -> None:
    by_contacts(desk, do)


def by_settings(desk: Desk, do: Do) -> None:
    do()
    desk.screen.wait_for_title("^Settings")


def by_keys(desk: Desk, do: Do) -> None:
    do()
    desk.screen.wait_for_title("^All keys")


def by_accept_transfer(desk: Desk, do: Do) -> None:
    desk.asked_to_call_the_echo()
    desk.ctl_as_soon_as_it_may("accept_transfer")
    desk.until(desk.echo)


def by_refuse_transfer(desk: Desk, do: Do) -> None:
    desk.asked_to_call_the_echo()
    desk.ctl_as_soon_as_it_may("refuse_transfer")
    desk.until(lambda: transfer_refused(desk))


def by_quit(desk: Desk, do: Do) -> None:
    do()
    assert desk.window.wait(LIMIT) == 0
