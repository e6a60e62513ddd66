"""Call pickup: taking a call that rings elsewhere (RFC 3891, as in RFC 5359, 2.16).

The dialog state of whoever is called names the call; an INVITE with Replaces goes to
the caller, whose early dialog it takes over. Only a call that still rings is taken
(`early-only`): one that was answered meanwhile stays where it is.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from platypus.errors import ProtocolError, StateError
from platypus.sip.replaces import Replaces
from platypus.sip.uri import Uri

if TYPE_CHECKING:
    from platypus.account import Account
    from platypus.call import Call
    from platypus.engine import Engine
    from platypus.sip.packages.dialog_info import DialogEntry
    from platypus.watching import Watch, Watching

PATIENCE = 5.0  # seconds for the dialog state to come: the phone over there rings on


class Pickups:
    """Those of one engine that wait to be told which call it is."""

    def __init__(self, engine: Engine, watching: Watching) -> None:
        self._engine = engine
        self._watching = watching
        self._waiting: dict[Watch, tuple[Call, asyncio.TimerHandle]] = {}

    def pick_up(self, to: str, account: Account | None) -> Call:
        """The call that takes the place of the one ringing at `to`, a SIP URI.

        Raises StateError where it is known that nothing rings there.
        """
        watch = self._watching.find(to, "dialog")
        if watch is not None and watch.is_current:
            dialog = _ringing(watch)
            if dialog is None:
                raise StateError(f"nothing rings at {watch.bare}")
            return self._call(_target(dialog), account, headers=[replaces(dialog)])
        call = self._call(to, account, start=False)
        watch = self._watching.fetch(to, "dialog", account)
        timer = self._engine.loop.call_later(PATIENCE, self._settle, watch)
        self._waiting[watch] = call, timer
        watch.told = self._told
        return call

    def close(self) -> None:
        """Wait no longer."""
        for _, timer in self._waiting.values():
            timer.cancel()
        self._waiting.clear()

    def _call(
        self,
        target: str,
        account: Account | None,
        *,
        headers: list[tuple[str, str]] | None = None,
        start: bool = True,
    ) -> Call:
        return self._engine.calling.call(
            target, account, headers or (), source=None, sink=None, offer=True, start=start
        )

    def _told(self, watch: Watch) -> None:
        if watch.is_told or watch.subscription.state in ("failed", "terminated"):
            self._settle(watch)

    def _settle(self, watch: Watch) -> None:
        """The state came, or will not come: call, or say why not."""
        call, timer = self._waiting.pop(watch)
        timer.cancel()
        self._watching.forget(watch)
        dialog = _ringing(watch)
        calling = call.session.calling
        if dialog is not None and calling is not None:
            self._engine.calling.send(call, _target(dialog), [replaces(dialog)])
        else:
            why = f"nothing rings at {watch.bare}"
            if not watch.is_told:
                why = f"{watch.bare} does not tell what rings there: "
                why += watch.problem or "no answer"
            call.session.end(None, why, "local")
        self._engine.pump()


def replaces(dialog: DialogEntry) -> tuple[str, str]:
    """The header for whoever calls there: the tags are as the caller's side has them."""
    value = Replaces(dialog.call_id, dialog.remote_tag, dialog.local_tag, early_only=True)
    return "Replaces", str(value)


def _ringing(watch: Watch) -> DialogEntry | None:
    """The call that rings there; of several the one told of first, which rings the longest."""
    ringing = (dialog for dialog in watch.dialogs if dialog.can_be_picked_up)
    return next((dialog for dialog in ringing if _is_address(_target(dialog))), None)


def _target(dialog: DialogEntry) -> str:
    return dialog.remote_target or dialog.remote_identity


def _is_address(text: str) -> bool:
    try:
        return Uri.parse(text).is_sip
    except ProtocolError:
        return False
