"""Choosing among sound devices."""

from __future__ import annotations

import pytest

from platypus.audio.device import Device, choose
from platypus.errors import DeviceError

HEADSET = Device(0, "Jabra Evolve: USB Audio", 0.01, 48_000)
LAPTOP = Device(1, "HDA Intel PCH", 0.01, 44_100)
DOCK = Device(4, "USB Audio Dock", 0.01, 48_000)
ALL = (HEADSET, LAPTOP, DOCK)


def test_without_a_name_it_is_the_default():
    assert choose(ALL, None, 1) is LAPTOP


def test_a_name_is_taken_before_what_only_contains_it():
    nested = Device(9, "USB Audio Dock, second", 0.01, 48_000)
    assert choose((nested, *ALL), "USB Audio Dock", 1) is DOCK


def test_a_part_of_one_name_is_enough_in_any_case():
    assert choose(ALL, "jabra", 1) is HEADSET


def test_a_part_of_two_names_is_not():
    with pytest.raises(DeviceError, match="more than one"):
        choose(ALL, "usb audio", 1)


def test_a_device_that_is_gone_is_an_error_that_lists_the_others():
    with pytest.raises(DeviceError, match="no sound device is called 'Polycom'") as caught:
        choose(ALL, "Polycom", 1)
    assert caught.value.available == ("Jabra Evolve: USB Audio", "HDA Intel PCH", "USB Audio Dock")
    assert "HDA Intel PCH" in str(caught.value)


def test_a_default_that_is_not_listed_is_an_error():
    with pytest.raises(DeviceError, match="default"):
        choose(ALL, None, 17)
