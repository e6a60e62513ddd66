"""What a sound server's tool says, as lists of devices."""

from __future__ import annotations

from typing import Any

import pytest

from platypus.audio import pulse


def entry(name: str, description: str, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "description": description,
        "state": "IDLE",
        "sample_specification": "s16le 2ch 44100Hz",
        "properties": {},
        "active_port": None,
    } | more


INFO = {"default_sink_name": "hda", "default_source_name": "webcam"}


def test_names_choose_and_descriptions_are_shown():
    lists = pulse.parse_lists(INFO, [entry("hda", "Built-in Audio")], [entry("webcam", "C920")])
    assert [(each.name, each.label) for each in lists.outputs] == [("hda", "Built-in Audio")]
    assert [(each.name, each.label) for each in lists.inputs] == [("webcam", "C920")]
    assert (lists.default_input, lists.default_output) == ("webcam", "hda")


def test_two_of_one_description_are_told_apart():
    lists = pulse.parse_lists(INFO, [entry("a", "Jabra"), entry("b", "Jabra")], [])
    assert [each.label for each in lists.outputs] == ["Jabra (a)", "Jabra (b)"]


def test_the_rate_is_the_devices_own():
    lists = pulse.parse_lists(INFO, [entry("hda", "x")], [])
    assert lists.outputs[0].rate == 44_100


@pytest.mark.parametrize("said", ["", "s16le 2ch 0Hz", "s16le 2ch 99999999Hz", "dsd"])
def test_a_rate_that_makes_no_sense_is_the_usual_one(said):
    lists = pulse.parse_lists(INFO, [entry("hda", "x", sample_specification=said)], [])
    assert lists.outputs[0].rate == 48_000


def test_monitors_come_after_the_microphones_and_are_marked():
    monitor = entry("hda.monitor", "Monitor of x", properties={"device.class": "monitor"})
    lists = pulse.parse_lists(INFO, [], [monitor, entry("webcam", "C920")])
    assert [(each.name, each.monitor) for each in lists.inputs] == [
        ("webcam", False),
        ("hda.monitor", True),
    ]


@pytest.mark.parametrize(("sink", "default"), [("hda", None), ("cable", "x.monitor")])
def test_what_the_speaker_plays_is_no_microphone_though_the_server_prefers_it(sink, default):
    info = {"default_sink_name": "hda", "default_source_name": "x.monitor"}
    monitor = entry("x.monitor", "Monitor", monitor_source=sink)
    lists = pulse.parse_lists(info, [entry("hda", "x"), entry("cable", "y")], [monitor])
    assert lists.default_input == default


def test_the_dummy_of_a_server_without_devices_is_none():
    lists = pulse.parse_lists(
        {"default_sink_name": "auto_null"},
        [entry("auto_null", "Dummy Output")],
        [entry("auto_null.monitor", "Monitor of Dummy Output")],
    )
    assert (lists.inputs, lists.outputs, lists.default_output) == ((), (), None)


@pytest.mark.parametrize(
    ("more", "worn"),
    [
        ({"properties": {"device.form_factor": "headset"}}, True),
        ({"active_port": "analog-output-headphones"}, True),
        ({"description": "Plantronics Headset"}, True),
        ({"properties": {"device.form_factor": "speaker"}}, False),
        ({}, False),
    ],
)
def test_a_headset_is_known_by_its_kind_its_port_or_its_name(more, worn):
    lists = pulse.parse_lists(INFO, [entry("x", "Audio") | more], [])
    assert lists.outputs[0].headset is worn


def test_what_is_no_hardware_is_virtual():
    card = entry("card", "Card", flags=["HARDWARE", "LATENCY"])
    lists = pulse.parse_lists(INFO, [card, entry("null", "Null", flags=["LATENCY"])], [])
    assert [each.virtual for each in lists.outputs] == [False, True]


def test_a_device_out_of_service_is_marked():
    lists = pulse.parse_lists(INFO, [entry("x", "Audio", state="SUSPENDED")], [])
    assert lists.outputs[0].suspended


@pytest.mark.parametrize(
    ("line", "does"),
    [
        ("Event 'remove' on sink #3", True),
        ("Event 'new' on source #7", True),
        ("Event 'change' on server #4294967295", True),
        ("Event 'new' on sink-input #12", False),
        ("Event 'change' on client #12", False),
        ("", False),
    ],
)
def test_only_what_is_about_devices_concerns_them(line, does):
    assert pulse.concerns_devices(line) is does
