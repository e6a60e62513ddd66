"""Platypus: a desktop SIP phone, and the asyncio engine inside it.

    from platypus import Engine

The names below are loaded when they are first used, so that `import platypus`
costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from platypus._version import __version__

if TYPE_CHECKING:
    from platypus.account import Account
    from platypus.audio.device import DeviceLists, SoundDevice
    from platypus.call import Call
    from platypus.conference import Conference
    from platypus.engine import Engine
    from platypus.errors import (
        AudioFileError,
        CallError,
        ConfigError,
        CredentialsError,
        DeviceError,
        MediaError,
        NetworkError,
        PlatypusError,
        ProtocolError,
        RegistrationError,
        SdpError,
        StateError,
    )
    from platypus.events import (
        CallEnded,
        CallState,
        CallStateChanged,
        DeviceChanged,
        DtmfReceived,
        ErrorOccurred,
        Event,
        EventsDropped,
        IdentityChanged,
        IncomingCall,
        MediaChanged,
        MediaState,
        MessageReceived,
        MessageWaiting,
        Notified,
        Played,
        Registered,
        RegistrationFailed,
        TransferProgressed,
        Transferred,
        TransferRequested,
        Unregistered,
        VoiceActivity,
    )
    from platypus.forwarding import CallRules
    from platypus.net.tls import TlsSettings
    from platypus.sound import Sound

__all__ = [
    "Account",
    "AudioFileError",
    "Call",
    "CallEnded",
    "CallError",
    "CallRules",
    "CallState",
    "CallStateChanged",
    "Conference",
    "ConfigError",
    "CredentialsError",
    "DeviceChanged",
    "DeviceError",
    "DeviceLists",
    "DtmfReceived",
    "Engine",
    "ErrorOccurred",
    "Event",
    "EventsDropped",
    "IdentityChanged",
    "IncomingCall",
    "MediaChanged",
    "MediaError",
    "MediaState",
    "MessageReceived",
    "MessageWaiting",
    "NetworkError",
    "Notified",
    "PlatypusError",
    "Played",
    "ProtocolError",
    "Registered",
    "RegistrationError",
    "RegistrationFailed",
    "SdpError",
    "Sound",
    "SoundDevice",
    "StateError",
    "TlsSettings",
    "TransferProgressed",
    "TransferRequested",
    "Transferred",
    "Unregistered",
    "VoiceActivity",
    "__version__",
]


_HOMES = {
    "CallRules": "forwarding",
    "DeviceLists": "audio.device",
    "SoundDevice": "audio.device",
    "TlsSettings": "net.tls",
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'platypus' has no attribute {name!r}")
    if name in _HOMES:
        home = _HOMES[name]
    elif name in ("Account", "Call", "Conference", "Engine", "Sound"):
        home = name.lower()
    else:
        home = "errors" if name.endswith("Error") else "events"
    value: object = getattr(import_module(f"platypus.{home}"), name)
    globals()[name] = value
    return value
