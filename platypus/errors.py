"""The errors Platypus raises: few, named after what is wrong, carrying data.

A bad packet from the network never raises out of the engine; these are raised
by the embedder's own calls, or (ProtocolError) stay inside the signalling.
"""

from __future__ import annotations

from collections.abc import Sequence


class PlatypusError(Exception):
    """Base of every error of this package."""


class ProtocolError(PlatypusError):
    """A message from the network that breaks its grammar.

    `status` is the SIP status to answer a request with (RFC 3261, 21.4).
    """

    def __init__(self, problem: str, *, status: int = 400) -> None:
        super().__init__(problem)
        self.problem = problem
        self.status = status


class SdpError(PlatypusError):
    """A session description that can't be parsed, or an answer that doesn't fit its offer."""


class StateError(PlatypusError):
    """The call, registration or stream is not in a state that allows this."""


class ConfigError(PlatypusError):
    """A configuration that can't be used; names the file, the line and the key."""

    def __init__(
        self, problem: str, *, file: str | None = None, line: int | None = None, hint: str = ""
    ) -> None:
        self.problem, self.file, self.line, self.hint = problem, file, line, hint
        super().__init__(problem)

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}: " if self.file and self.line else ""
        if self.file and not self.line:
            place = f"{self.file}: "
        return f"{place}{self.problem}" + (f" ({self.hint})" if self.hint else "")


class CredentialsError(PlatypusError):
    """A keychain or vault that can't be used; `hint` says what to do. Never holds a password."""

    def __init__(self, problem: str, *, hint: str = "") -> None:
        super().__init__(problem + (f" ({hint})" if hint else ""))
        self.problem, self.hint = problem, hint


class NetworkError(PlatypusError):
    """A socket that can't be bound or reached, or a name that doesn't resolve."""


class RegistrationError(PlatypusError):
    """The registrar refused, or did not answer. `code` is None without a response."""

    def __init__(self, account: str, code: int | None, reason: str) -> None:
        super().__init__(f"{account}: {reason}" + (f" ({code})" if code else ""))
        self.account, self.code, self.reason = account, code, reason


class CallError(PlatypusError):
    """The call ended before what was awaited happened. `code` is its final status, or None."""

    def __init__(self, code: int | None, reason: str) -> None:
        super().__init__(f"{reason} ({code})" if code else reason)
        self.code, self.reason = code, reason


class MediaError(PlatypusError):
    """The media core refused: a full command queue, no free port, a stream already closed."""


class AudioFileError(MediaError):
    """A file that isn't a WAV file we can read, or that can't be written."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path, self.problem = path, problem


class DeviceError(PlatypusError):
    """A sound device that is missing, busy or gone; `available` lists the names there are."""

    def __init__(self, problem: str, *, available: Sequence[str] = ()) -> None:
        super().__init__(problem + (f"; there are: {', '.join(available)}" if available else ""))
        self.problem, self.available = problem, tuple(available)
