"""What the window says about calls and accounts, in words a person uses."""

from __future__ import annotations

import re

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
# What people paste around digits; letters and @ make it an address, which is left alone.
_PUNCTUATION = re.compile(r"[\s()./\u2010-\u2015\u00a0-]+")
_NUMBER = re.compile(r"\+?[0-9*#]+")


def why_ended(code: int | None, reason: str, *, elsewhere: bool = False) -> str:
    """Why a call came to nothing, as a sentence."""
    if elsewhere:
        return "Answered on another phone."
    if code in _REFUSALS:
        return _REFUSALS[code]
    text = (reason or "The other side can't be reached").rstrip(".")
    text = text[:1].upper() + text[1:]
    return f"{text} ({code})." if code else f"{text}."


def account_line(address: str, state: str) -> str:
    return f"{short(address)} ({_ACCOUNT_STATES.get(state, state)})"


def short(uri: str) -> str:
    """An address without its scheme and parameters: `alice@example.com`."""
    scheme, colon, rest = uri.partition(":")
    if not colon or scheme.lower() not in ("sip", "sips", "tel"):
        rest = uri
    return rest.partition(";")[0].partition("?")[0]


def party(uri: str, display_name: str = "") -> str:
    """Whom to show: the name, or the part before the @ that a person would dial."""
    name = " ".join(display_name.split())
    return name or short(uri).partition("@")[0] or "unknown"


def duration(seconds: float) -> str:
    """`0:07`, `12:03`, `1:02:03`."""
    minutes, second = divmod(max(0, int(seconds)), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


def device_line(microphone: str | None, speaker: str | None, reason: str) -> str:
    if microphone is None and speaker is None:
        return f"No sound: {reason}" if reason else "No sound"
    both = (microphone or "no microphone", speaker or "no speaker")
    return both[0] if both[0] == both[1] else " / ".join(both)


def tidy_number(text: str) -> str:
    """What was typed or pasted, as it is dialled: digits without what people put between."""
    text = "".join(each for each in text if each.isprintable()).strip()
    if text.lower().startswith("tel:"):
        text = text[4:].partition(";")[0]
    digits = _PUNCTUATION.sub("", text).replace("(0)", "")
    return digits if _NUMBER.fullmatch(digits) else text
