"""SIP messages as they may be shown and sent to somebody: without what is secret.

Taken out are the answers to challenges (a digest can be guessed at offline), SRTP keys
(`a=crypto`), and a password in an address. What is left is what a ladder needs.
"""

from __future__ import annotations

import re

MASK = "***"
MOST = 65_536

_SECRET_PARAMETERS = re.compile(
    r"\b(response|cnonce|nonce|opaque)\s*=\s*(\"[^\"]*\"|[^\s,]+)", re.IGNORECASE
)
_BEARER = re.compile(
    r"^((?:Proxy-)?Authorization[ \t]*:[ \t]*)(?![ \t]*Digest\b)\S.*$", re.IGNORECASE | re.MULTILINE
)
_CRYPTO = re.compile(r"\binline:[^\s|]+", re.IGNORECASE)
_KEY_LINE = re.compile(r"^k=.*$", re.MULTILINE)
_PASSWORD = re.compile(r"\b(sips?:[^\s:@<>;,\"]+):[^\s@<>;,\"]+@", re.IGNORECASE)


def redacted(message: bytes | str) -> str:
    """The message as text, its secrets masked, what can't be shown replaced."""
    text = message if isinstance(message, str) else message[:MOST].decode("utf-8", "replace")
    text = _BEARER.sub(rf"\1{MASK}", text)
    text = _SECRET_PARAMETERS.sub(rf'\1="{MASK}"', text)
    text = _CRYPTO.sub(f"inline:{MASK}", text)
    text = _KEY_LINE.sub(f"k={MASK}", text)
    text = _PASSWORD.sub(rf"\1:{MASK}@", text)
    lines = text.replace("\r\n", "\n").split("\n")
    return "\n".join("".join(c if c.isprintable() else "?" for c in line) for line in lines)
