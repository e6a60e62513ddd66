"""What the window says about calls and accounts, in words a person uses."""

from __future__ import annotations

from ui_tk.dialrules import tidy
from ui_tk.texts import tr

# RFC 3261, 21: what each refusal means for the one who called.
_REFUSALS = {
    401: "The server wants a user name and password for this call.",
    403: "The server does not allow this call.",
    404: "Nobody has this number.",
    407: "The server wants a user name and password for this call.",
    408: "No answer.",
    410: "This number is no longer in use.",
    480: "Not available right now.",
    481: "The other side no longer knows this call.",
    482: "The call went in a circle.",
    484: "The number is not complete.",
    486: "Busy.",
    487: "Cancelled.",
    488: "The other side and this phone have no codec in common.",
    500: "The server has a fault.",
    503: "The server takes no calls right now.",
    504: "The server got no answer in time.",
    600: "Busy everywhere.",
    603: "Declined.",
    604: "Nobody has this number.",
    606: "The other side and this phone have no codec in common.",
}
_ACCOUNT_STATES = {
    "registered": "registered",
    "registering": "registering…",
    "failed": "not registered",
    "unregistered": "not registered",
}
# RFC 4235, 3.7.1: what the states of a dialog mean for who looks at a lamp.
_LAMPS = {
    "trying": "is calling",
    "proceeding": "is calling",
    "early": "rings",
    "confirmed": "in a call",
    "terminated": "free",
}


def why_ended(code: int | None, reason: str, *, elsewhere: bool = False) -> str:
    """Why a call came to nothing, as a sentence."""
    if elsewhere:
        return tr("Answered on another phone.")
    if code in _REFUSALS:
        return tr(_REFUSALS[code])
    text = sentence(reason or tr("The other side can't be reached"))
    return f"{text[:-1]} ({code})." if code else text


def account_state(state: str) -> str:
    return tr(_ACCOUNT_STATES.get(state, state))


def account_line(address: str, state: str) -> str:
    return f"{short(address)} ({account_state(state)})"


def sentence(text: str) -> str:
    """With a full stop, and a capital letter where it does not begin with somebody's name."""
    text = text.rstrip(".")
    first = text.partition(" ")[0]
    return (text[:1].upper() + text[1:] if first.isalpha() else text) + "."


def lamp(state: str) -> str:
    return tr(_LAMPS.get(state, "unknown"))


def short(uri: str) -> str:
    """An address without its scheme and parameters: `alice@example.com`."""
    scheme, colon, rest = uri.partition(":")
    if not colon or scheme.lower() not in ("sip", "sips", "tel"):
        rest = uri
    return rest.partition(";")[0].partition("?")[0]


def party(uri: str, display_name: str = "") -> str:
    """Whom to show: the name, or the part before the @ that a person would dial."""
    name = " ".join(display_name.split())
    return name or short(uri).partition("@")[0] or tr("unknown")


def number_of(uri: str, host: str) -> str:
    """What a person would dial: the user part at our own host, else the whole address."""
    user, _, where = short(uri).partition("@")
    return user if where == host or not where else short(uri)


def duration(seconds: float) -> str:
    """`0:07`, `12:03`, `1:02:03`."""
    minutes, second = divmod(max(0, int(seconds)), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


def device_line(microphone: str | None, speaker: str | None, reason: str) -> str:
    if microphone is None and speaker is None:
        return tr("No sound: {reason}", reason=reason) if reason else tr("No sound")
    both = (microphone or tr("no microphone"), speaker or tr("no speaker"))
    return both[0] if both[0] == both[1] else " / ".join(both)


def tidy_number(text: str) -> str:
    """What was typed or pasted, as it is dialled: digits without what people put between."""
    return tidy(text)
