"""Choosing among sound devices, and in which order to try them."""

from __future__ import annotations

import pytest

from platypus.audio.device import SoundDevice, chain, choose
from platypus.errors import DeviceError

HEADSET = SoundDevice("usb-jabra", "Jabra Evolve: USB Audio")
LAPTOP = SoundDevice("pci-hda", "HDA Intel PCH")
DOCK = SoundDevice("usb-dock", "USB Audio Dock")
MONITOR = SoundDevice("pci-hda.monitor", "Monitor of HDA Intel PCH", monitor=True)
ALL = (HEADSET, LAPTOP, DOCK)


def test_without_a_name_it_is_the_default():
    assert choose(ALL, None, "pci-hda") is LAPTOP


def test_a_name_is_taken_before_what_only_contains_it():
    nested = SoundDevice("usb-dock-2", "another")
    assert choose((nested, *ALL), "usb-dock", None) is DOCK


def test_what_people_see_chooses_as_well():
    nested = SoundDevice("x", "USB Audio Dock, second")
    assert choose((nested, *ALL), "USB Audio Dock", None) is DOCK


def test_a_part_of_one_name_is_enough_in_any_case():
    assert choose(ALL, "jabra", None) is HEADSET


def test_a_part_of_two_names_is_not():
    with pytest.raises(DeviceError, match="more than one"):
        choose(ALL, "usb audio", None)


def test_a_device_that_is_gone_is_an_error_that_lists_the_others():
    with pytest.raises(DeviceError, match="no sound device is called 'Polycom'") as caught:
        choose(ALL, "Polycom", None)
    assert caught.value.available == ("usb-jabra", "pci-hda", "usb-dock")
    assert "pci-hda" in str(caught.value)


def test_a_default_that_is_not_listed_is_an_error():
    with pytest.raises(DeviceError, match="default"):
        choose(ALL, None, "gone")


def test_what_a_speaker_plays_is_a_microphone_only_where_it_is_named_in_full():
    assert choose((MONITOR, *ALL), "hda", None) is LAPTOP
    assert choose((MONITOR, *ALL), "pci-hda.monitor", None) is MONITOR


class TestChain:
    def test_the_one_asked_for_then_the_default_then_the_others(self):
        assert chain(ALL, "dock", "pci-hda") == [DOCK, LAPTOP, HEADSET]

    def test_without_a_wish_the_default_is_first(self):
        assert chain(ALL, None, "usb-dock") == [DOCK, HEADSET, LAPTOP]

    def test_one_that_is_not_there_leaves_the_others(self):
        assert chain(ALL, "Polycom", "pci-hda") == [LAPTOP, HEADSET, DOCK]

    def test_a_monitor_is_no_way_out(self):
        assert chain((MONITOR,), "Polycom", None) == []

    def test_a_monitor_that_the_system_prefers_is_taken(self):
        assert chain((MONITOR,), None, "pci-hda.monitor") == [MONITOR]
