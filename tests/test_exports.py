"""The public names: what `platypus` promises is there and documented, and nothing else is."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest

import platypus
from platypus import errors, events

INIT = Path(platypus.__file__)

# Taking a name away, or adding one, is a decision: it belongs here and in CHANGELOG.md.
PUBLIC = {
    *("Account", "Call", "Engine", "__version__"),
    *("AudioFileError", "CallError", "ConfigError", "DeviceError", "MediaError", "NetworkError"),
    *("PlatypusError", "ProtocolError", "RegistrationError", "SdpError", "StateError"),
    *("CallEnded", "CallState", "CallStateChanged", "DeviceChanged", "DtmfReceived"),
    *("ErrorOccurred", "Event", "EventsDropped", "IncomingCall", "MediaChanged", "MediaState"),
    *("MessageReceived", "MessageWaiting", "Notified"),
    *("Played", "Registered", "RegistrationFailed", "Unregistered"),
    *("CallRules", "IdentityChanged", "TlsSettings"),
    *("CredentialsError", "DeviceLists", "Sound", "SoundDevice"),
    *("Conference", "VoiceActivity"),
    *("TransferProgressed", "TransferRequested", "Transferred"),
}


def test_exports_exactly_the_public_names() -> None:
    assert set(platypus.__all__) == PUBLIC


def test_the_list_of_exports_is_sorted_and_has_no_name_twice() -> None:
    assert platypus.__all__ == sorted(set(platypus.__all__))


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_every_export_can_be_had(name: str) -> None:
    assert getattr(platypus, name) is not None
    assert name in dir(platypus)


def test_a_type_checker_sees_every_export() -> None:
    typed = {
        alias.asname or alias.name
        for node in ast.walk(ast.parse(INIT.read_text()))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert typed >= PUBLIC


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="Telephone"):
        platypus.Telephone  # type: ignore[attr-defined]  # noqa: B018


def test_every_error_is_a_platypus_error_and_exported() -> None:
    own = {
        name
        for name, value in vars(errors).items()
        if inspect.isclass(value) and value.__module__ == errors.__name__
    }
    assert own <= PUBLIC
    assert all(issubclass(getattr(errors, name), platypus.PlatypusError) for name in own)


def test_every_event_is_a_frozen_value_and_exported() -> None:
    for name, value in vars(events).items():
        if inspect.isclass(value) and hasattr(value, "__dataclass_fields__"):
            assert name in PUBLIC
            assert value.__dataclass_params__.frozen, name  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["Account", "Call", "Conference", "Engine", "Sound"])
def test_every_public_method_of_a_handle_is_documented(name: str) -> None:
    handle = getattr(platypus, name)
    bare = [
        member
        for member, value in vars(handle).items()
        if not member.startswith("_")
        and (callable(value) or isinstance(value, property))
        and not inspect.getdoc(value)
    ]
    assert inspect.getdoc(handle)
    assert bare == []
