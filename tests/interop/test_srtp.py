"""Encrypted calls: with baresip in every suite and by DTLS, and between agents."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from platypus.options import DEFAULT_SUITES
from tests.harness.agent import Agent
from tests.harness.baresip import Baresip
from tests.harness.listening import RATE, find_second, levels, read_wav, speech, write_wav
from tests.harness.namespace import host_address
from tests.interop.conftest import Bench
from tests.interop.test_calls import Pair, wait_for_samples
from tests.interop.test_rtcp import check_measured, wait_measured

pytestmark = pytest.mark.interop

CM, GCM = "AES_CM_128_HMAC_SHA1_80", "AEAD_AES_128_GCM"


class Ends:
    """We and baresip, each with a voice of its own and a recording of the other's."""

    def __init__(self, bench: Bench, folder: Path, encryption: str, *options: str, **more: Any):
        # Longer than any test: baresip hangs up where its file ends.
        self.voices = [levels(speech(20, seed=seed), "pcmu") for seed in (41, 42)]
        ours, theirs = (
            write_wav(folder / f"{name}.wav", voice)
            for name, voice in zip(("ours", "theirs"), self.voices, strict=True)
        )
        self.recording = folder / "heard.wav"
        self.peer: Baresip = bench.baresip(
            "bert", theirs, codecs=["PCMU"], encryption=encryption, answer="auto", **more
        )
        self.phone: Agent = bench.agent(
            *("--audio", f"wav:{ours}", "--record", str(self.recording), "--codecs", "pcmu"),
            *("--auto-answer", "0", *options),
            host=host_address(),
        )

    def connect(self, *, we_call: bool) -> dict[str, Any]:
        """The event that media started."""
        if we_call:
            self.phone.call(self.peer.uri)
        else:
            self.peer.command("dial", self.phone.uri())
        self.phone.wait_event("call", state="confirmed")
        return self.phone.wait_event("media", state="started")

    def check_heard(self) -> None:
        """Both ends have the other's voice, bit for bit: a second of the last two heard.

        Where a busy machine had it stretched there, what comes after is whole again.
        """
        for seconds in (2.5, 4.5, 6.5):
            samples = int(seconds * RATE)
            wait_for_samples(self.phone, self.recording, samples)
            theirs, ours = self.peer.wait_until_heard(samples), read_wav(self.recording)
            matches = [
                find_second(heard[-2 * RATE :], said)
                for said, heard in zip(self.voices, (theirs, ours), strict=True)
            ]
            if all(match.exact for match in matches):
                return
        pytest.fail(f"they and we heard it like this: {matches}")

    def hold_and_resume(self) -> None:
        """We do, and hear them again."""
        self.phone.command("hold")
        self.phone.wait_event("call", hold="local")
        self.phone.command("resume")
        self.phone.wait_event("call", hold="none")
        before = self.phone.command("stats")["stats"]["receive"]["packets"]
        end = time.monotonic() + 10
        while self.phone.command("stats")["stats"]["receive"]["packets"] < before + 50:
            assert time.monotonic() < end
            self.phone.wait_for_line(0.1)


@pytest.mark.parametrize("suite", DEFAULT_SUITES)
def test_baresip_takes_each_of_our_suites(bench: Bench, tmp_path: Path, suite: str) -> None:
    ends = Ends(bench, tmp_path, "srtp-mand", "--srtp", "require", "--srtp-suites", suite)
    assert ends.connect(we_call=True)["srtp"] == suite
    ends.check_heard()
    assert ends.phone.command("stats")["stats"]["srtp"] == suite


@pytest.mark.parametrize(
    ("encryption", "rule"), [("srtp", "prefer"), ("srtp-mand", "require"), ("srtp-mandf", "prefer")]
)
def test_we_take_the_keys_of_baresip(
    bench: Bench, tmp_path: Path, encryption: str, rule: str
) -> None:
    """It offers one suite, in RTP/AVP, RTP/SAVP and RTP/SAVPF."""
    ends = Ends(bench, tmp_path, encryption, "--srtp", rule)
    assert ends.connect(we_call=False)["srtp"] == CM
    ends.check_heard()


@pytest.mark.parametrize("options", [("--srtp", "require"), ("--dtls",)])
def test_two_phones_hear_each_other_bit_exact_through_a_proxy(
    bench: Bench, tmp_path: Path, options: tuple[str, ...]
) -> None:
    pair = Pair(bench, tmp_path, *options)
    pair.connect()
    pair.hear(3)
    for ended in pair.end():
        assert ended["stats"]["srtp"] == GCM  # type: ignore[index]
        assert ended["stats"]["receive"]["lost"] == 0  # type: ignore[index]
    for own, other in ((0, 1), (1, 0)):
        match = find_second(pair.voices[other][: 2 * RATE], read_wav(pair.recordings[own]))
        assert match.exact, match


@pytest.mark.smoke
def test_a_call_by_dtls_to_baresip(bench: Bench, tmp_path: Path) -> None:
    ends = Ends(bench, tmp_path, "dtls_srtp", "--dtls", rtcp_mux=True)
    assert ends.connect(we_call=True)["srtp"] == GCM
    ends.check_heard()


@pytest.mark.parametrize("mux", [False, True])
def test_a_call_by_dtls_from_baresip(bench: Bench, tmp_path: Path, mux: bool) -> None:
    ends = Ends(bench, tmp_path, "dtls_srtp", rtcp_mux=mux)
    assert ends.connect(we_call=False)["srtp"] == CM  # of ours it takes what it prefers itself
    ends.check_heard()
    ends.hold_and_resume()


def test_reports_are_encrypted_too(bench: Bench, tmp_path: Path) -> None:
    ends = Ends(bench, tmp_path, "dtls_srtp", "--dtls", rtcp_mux=True)
    ends.connect(we_call=True)
    check_measured(wait_measured(ends.phone))


def test_a_hold_of_baresip_keeps_the_call_encrypted(bench: Bench, tmp_path: Path) -> None:
    ends = Ends(bench, tmp_path, "srtp-mand", "--srtp", "require")
    ends.connect(we_call=True)
    ends.hold_and_resume()


def test_a_plain_baresip_is_refused_where_srtp_is_required(bench: Bench, tmp_path: Path) -> None:
    ends = Ends(bench, tmp_path, "", "--srtp", "require")
    ends.peer.command("dial", ends.phone.uri())
    assert "488" in ends.peer.wait_event("CALL_CLOSED")["param"]


def test_a_plain_baresip_that_is_called_with_keys_alone_refuses(
    bench: Bench, tmp_path: Path
) -> None:
    ends = Ends(bench, tmp_path, "", "--srtp", "require")
    ends.phone.call(ends.peer.uri)
    assert ends.phone.wait_event("call", state="ended")["code"] == 488
