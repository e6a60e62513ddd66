"""The jitter buffer on paths of every kind: what is heard, when, and what was counted."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from platypus._media import g722, rtp
from platypus._media.rtp import Packet
from tests._media.path import (
    FRAME,
    MS,
    Heard,
    Pcm,
    Sender,
    as_heard,
    listener,
    network,
    play,
    speech,
)

SPEECH = speech(8.0)
SENT = as_heard(SPEECH)
PACKETS = Sender(SPEECH).packets()
COUNT = len(PACKETS)


def assert_adds_up(heard: Heard) -> None:
    """Every sample asked for, and every packet that came, is in exactly one count."""
    counters = heard.counters()
    assert counters["requested_samples"] == len(heard.pcm)
    assert counters["requested_samples"] == (
        counters["played_samples"]
        + counters["concealed_samples"]
        + counters["silent_samples"]
        + counters["inserted_samples"]
    )
    assert counters["packets"] + counters["duplicated"] == len(
        [
            verdict
            for verdict in heard.verdicts
            if verdict in ("accepted", "late", "held", "duplicate")
        ]
    )


def lags(heard: Heard, sent: Pcm = SENT) -> list[int | None]:
    """By how many samples each frame is later than its place in what was sent."""
    return [
        None if at is None else number * heard.slot - at
        for number, at in enumerate(heard.sources(sent))
    ]


def right_from(heard: Heard, number: int, sent: Pcm = SENT) -> int | None:
    """The first slot from `number` on after which every frame is as it was sent, at one lag."""
    seen = lags(heard, sent)
    last = seen[-1]
    at = len(seen)
    while at > number and seen[at - 1] == last:
        at -= 1
    return at if last is not None else None


class TestCleanPath:
    def test_is_heard_bit_for_bit(self) -> None:
        heard = play(network(PACKETS), COUNT)
        assert np.array_equal(heard.pcm, SENT)
        assert not any(heard.concealed)
        assert_adds_up(heard)

    @pytest.mark.parametrize("jitter_ms", [1.0, 2.0, 3.0])
    @pytest.mark.parametrize("phase_ms", [6.0, 9.0, 15.0, 19.9])
    def test_stays_bit_for_bit_under_jitter_within_the_guard(
        self, jitter_ms: float, phase_ms: float
    ) -> None:
        delays = np.random.default_rng(7).uniform(0, jitter_ms, COUNT).tolist()
        heard = play(network(PACKETS, delays_ms=delays), COUNT, phase_ms=phase_ms + jitter_ms)
        assert np.array_equal(heard.pcm, SENT)

    @pytest.mark.parametrize(
        ("phase_ms", "delay_ms"), [(0, 20), (4, 24), (5, 5), (6, 6), (12, 12), (19, 19)]
    )
    def test_plays_in_the_first_slot_a_guard_after_arrival(
        self, phase_ms: float, delay_ms: float
    ) -> None:
        heard = play(network(PACKETS[:50]), 52, phase_ms=phase_ms)
        assert heard.counters()["buffer_ms"] == pytest.approx(delay_ms, abs=0.2)

    @pytest.mark.parametrize("slot_ms", [10, 20, 30])
    @pytest.mark.parametrize("packet_ms", [10, 20, 30, 60])
    def test_any_packet_time_in_any_slots(self, packet_ms: int, slot_ms: int) -> None:
        packets = Sender(SPEECH[: 8 * 4800], frame=8 * packet_ms).packets()
        heard = play(
            network(packets, every_ms=packet_ms), 4800 // slot_ms, slot_ms=slot_ms, phase_ms=8.0
        )
        first = heard.pcm.tobytes().find(SENT[:80].tobytes()) // 2
        assert 0 <= first < 8 * slot_ms
        assert np.array_equal(heard.pcm[first:], SENT[: len(heard.pcm) - first])
        assert not any(heard.concealed)

    def test_a_constant_delay_is_of_no_consequence(self) -> None:
        heard = play(network(PACKETS, delays_ms=500.0), COUNT + 25)
        assert np.array_equal(heard.pcm[25 * FRAME :], SENT)
        assert heard.counters()["buffer_ms"] == pytest.approx(7, abs=0.2)

    def test_sequence_numbers_and_timestamps_wrap(self) -> None:
        sender = Sender(SPEECH, sequence=65530, timestamp=2**32 - 3 * FRAME)
        heard = play(network(sender.packets()), COUNT)
        assert np.array_equal(heard.pcm, SENT)
        assert heard.counters()["lost"] == 0

    def test_sixteen_kilohertz_frames_as_well(self) -> None:
        """G.722: its timestamps count 8,000 a second (RFC 3551, 4.5.2)."""
        codes = g722.Encoder().encode(speech(2.0, rate=16000).tobytes())
        packets = [
            p._replace(payload_type=9, payload=codes[160 * number : 160 * (number + 1)])
            for number, p in enumerate(Sender(speech(2.0)).packets())
        ]
        stream = listener(16000)
        stream.configure_receive({9: "g722"})
        heard = play(network(packets), 100, stream=stream)
        assert heard.pcm.tobytes() == g722.Decoder().decode(codes)


class TestOrder:
    def test_overtaken_packets_are_put_back(self) -> None:
        delays = [15.0 if number % 5 == 0 else 0.0 for number in range(COUNT)]
        delays[0] = 15.0
        swapped = [delay + (6 if number % 5 == 0 else 0) for number, delay in enumerate(delays)]
        heard = play(network(PACKETS, delays_ms=swapped), COUNT + 1, phase_ms=27.0)
        # The delay may grow, once and early, by what is made up then; all is heard, in order.
        assert len(set(lags(heard)[:COUNT]) - {None}) <= 2
        assert heard.counters()["discarded"] == heard.counters()["late"] == 0
        assert sum(heard.concealed[:COUNT]) <= 4 and not any(heard.concealed[25:COUNT])
        assert heard.counters()["reordered"] == COUNT // 5
        assert heard.counters()["lost"] == 0

    def test_a_first_packet_that_was_overtaken_counts_from_itself(self) -> None:
        arrivals = [(30.0, PACKETS[0]), *network(PACKETS, lost=[0, 50])]
        assert play(arrivals, COUNT).counters()["lost"] == 1

    def test_duplicates_are_heard_once(self) -> None:
        arrivals = [(20.0 * n + extra, PACKETS[n]) for n in range(COUNT) for extra in (0.0, 0.5)]
        heard = play(arrivals, COUNT)
        assert np.array_equal(heard.pcm, SENT)
        assert heard.counters()["duplicated"] == COUNT
        assert heard.counters()["packets"] == COUNT
        assert_adds_up(heard)

    def test_a_duplicate_that_comes_long_after_is_one_as_well(self) -> None:
        late = [(2000.0, PACKETS[10]), (2001.0, PACKETS[40])]
        heard = play([*network(PACKETS), *late], COUNT)
        assert np.array_equal(heard.pcm, SENT)
        assert heard.verdicts.count("duplicate") == 2

    def test_duplicates_are_known_beyond_a_gap(self) -> None:
        again = [(20.0 * 171 + n, PACKETS[n]) for n in (92, 95, 99)]
        heard = play([*network(PACKETS, lost=range(100, 170)), *again], COUNT)
        assert heard.counters()["duplicated"] == 3
        assert heard.counters()["lost"] == 70

    def test_a_packet_whose_place_was_played_is_late_not_lost(self) -> None:
        arrivals = [*network(PACKETS, lost=[200]), (20.0 * 204, PACKETS[200])]
        heard = play(arrivals, COUNT)
        counters = heard.counters()
        assert (counters["late"], counters["lost"], counters["reordered"]) == (1, 0, 1)
        assert right_from(heard, 200) == 202
        assert_adds_up(heard)


class TestLoss:
    @pytest.mark.parametrize("lost", [[100], [100, 101], [100, 102], [50, 51, 52, 53]])
    def test_what_is_lost_is_concealed_and_the_rest_is_untouched(self, lost: list[int]) -> None:
        heard = play(network(PACKETS, lost=lost), COUNT)
        counters = heard.counters()
        assert counters["lost"] == len(lost)
        assert [n for n, made_up in enumerate(heard.concealed) if made_up] == lost
        seen = lags(heard)
        # The frame behind a loss begins with a cross-fade.
        touched = {n + k for n in lost for k in (0, 1)}
        assert all(seen[n] == 0 for n in range(COUNT) if n not in touched)
        assert_adds_up(heard)

    def test_a_loss_is_made_longer_to_see_beyond_those_that_follow(self) -> None:
        heard = play(network(PACKETS, lost=[100, 102, 104, 150]), COUNT)
        # The third is, by a packet; the fourth is bridged to the packet behind it.
        concealed = [n for n, made_up in enumerate(heard.concealed) if made_up]
        assert concealed == [100, 102, 104, 105, 151]
        seen = lags(heard)
        assert {seen[n] for n in (99, 110, 149, 160)} == {0, FRAME}
        assert_adds_up(heard)

    def test_one_lost_packet_of_a_steady_voice_is_hardly_missed(self) -> None:
        period = np.tile(speech(1.0)[:64] // 2 + speech(1.0)[:1], 200)
        voice = np.asarray(period[: 60 * FRAME], dtype=np.int16)
        heard = play(network(Sender(voice).packets(), lost=[30]), 60)
        made = heard.pcm[30 * FRAME : 31 * FRAME].astype(float)
        meant = as_heard(voice)[30 * FRAME : 31 * FRAME].astype(float)
        # The fade has begun after 10 ms; the wave is the same.
        assert np.corrcoef(made, meant)[0, 1] > 0.97

    def test_it_fades_to_silence_within_220_ms(self) -> None:
        heard = play(network(PACKETS, lost=range(100, 120)), COUNT)
        gap = heard.pcm[100 * FRAME : 120 * FRAME].astype(float)
        loudness = [float(np.sqrt(np.mean(part**2))) for part in gap.reshape(-1, 160)]
        assert loudness[0] > 800
        assert all(after <= before * 1.3 for before, after in itertools.pairwise(loudness))
        assert not gap[11 * 160 :].any()
        counters = heard.counters()
        assert 200 < counters["concealed_samples"] / 8 < 220

    def test_there_is_no_step_where_concealment_begins_and_ends(self) -> None:
        steady = np.rint(8000 * np.sin(2 * np.pi * 200 * np.arange(16000) / 8000))
        voice = steady.astype(np.int16)
        heard = play(network(Sender(voice).packets(), lost=[40, 60, 61]), 100)
        largest = np.abs(np.diff(as_heard(voice).astype(int))).max()
        assert np.abs(np.diff(heard.pcm.astype(int))[FRAME:]).max() < 1.3 * largest

    def test_a_loss_before_anything_was_heard_is_silence(self) -> None:
        heard = play(network(PACKETS[:50], lost=[1]), 50)
        assert not heard.pcm[FRAME : 2 * FRAME].any()

    def test_after_a_long_outage_the_delay_is_what_it_was(self) -> None:
        heard = play(network(PACKETS, lost=range(100, 200)), COUNT)
        assert right_from(heard, 200) == 200
        assert lags(heard)[-1] == 0
        assert heard.counters()["lost"] == 100

    @settings(deadline=None, max_examples=60)
    @given(st.lists(st.integers(0, 59), unique=True), st.integers(0, 19))
    def test_any_pattern_of_losses_adds_up(self, lost: list[int], phase: int) -> None:
        heard = play(network(PACKETS[:60], lost=lost), 64, phase_ms=phase)
        assert_adds_up(heard)
        seen = lags(heard)
        arrived = [n for n in range(60) if n not in lost]
        alone = [n for n in arrived if n - 1 in arrived]
        first = seen.index(next((lag for lag in seen if lag is not None), None))
        shift = first - min(arrived, default=0)
        assert all(seen[n + shift] is not None for n in alone if 0 <= n + shift < 64)

    def g722_heard(self, lost: list[int], late_ms: float = 0.0) -> NDArray[np.float64]:
        voice = speech(2.0, rate=16000)
        coded = g722.Encoder().encode(voice.tobytes())
        packets = [
            Packet(9, False, n, n * FRAME, 7, coded[n * FRAME : (n + 1) * FRAME])
            for n in range(len(coded) // FRAME)
        ]
        stream = listener(16000)
        stream.configure_receive({9: "g722"})
        delays = [late_ms * (number % 2) for number in range(len(packets))]
        arrivals = network(packets, delays_ms=delays, lost=lost)
        return play(arrivals, 99, stream=stream).pcm.astype(float)

    def test_a_g722_decoder_is_itself_again_a_packet_after_a_loss(self) -> None:
        whole, holed = self.g722_heard([]), self.g722_heard([50])
        after = slice(52 * 320, 54 * 320)
        error = np.sqrt(np.mean((holed[after] - whole[after]) ** 2))
        assert error < 0.2 * np.sqrt(np.mean(whole[after] ** 2))

    def test_what_its_filter_mixes_with_the_gap_is_not_heard(self) -> None:
        # Every other packet is late by more than one, so that the next is there to bridge to.
        whole = self.g722_heard([], 25.0)
        errors = []
        for lost in range(31, 90, 4):
            holed = self.g722_heard([lost], 25.0)
            seam = int(np.flatnonzero(whole != holed)[0]) + 320
            span = slice(seam, seam + 22)
            errors.append(np.sqrt(np.mean((holed[span] - whole[span]) ** 2)))
        assert np.mean(errors) < 1600  # 2,300 where it is played


class TestLateness:
    def test_first_packets_that_differ_are_believed_before_one_is_late(self) -> None:
        late = held_up = held_up_later = 0
        for seed in range(60):
            random = np.random.default_rng(seed)
            due = np.arange(100) * 20.0
            delays = np.maximum.accumulate(due + random.gamma(2.0, 14.0, 100)) - due
            arrivals = network(PACKETS[:100], delays_ms=delays.tolist())
            heard = play(arrivals, 100, phase_ms=random.uniform(0.0, 20.0))
            late += int(heard.counters()["late"])
            held_up += sum(heard.concealed)
            held_up_later += sum(heard.concealed[25:])
        # What came together with others counts as much, if it did not come sooner than all before.
        assert late <= 7  # 10 where it counts less
        assert held_up <= 90  # 103
        assert held_up_later <= 15  # 17

    def test_a_path_that_became_slower_is_followed_within_60_ms(self) -> None:
        delays = [0.0 if number < 100 else 80.0 for number in range(COUNT)]
        heard = play(network(PACKETS, delays_ms=delays), COUNT + 4)
        # Packet 100 comes 80 ms late: its first slot is number 104.
        right = right_from(heard, 100)
        assert right is not None
        assert right <= 104 + 3
        assert lags(heard)[-1] == 4 * FRAME
        assert heard.counters()["late"] == 0

    def test_steady_jitter_ends_with_nearly_nothing_late(self) -> None:
        delays = np.random.default_rng(5).exponential(15, COUNT).tolist()
        heard = play(network(PACKETS, delays_ms=delays), COUNT)
        late_or_concealed = [n for n, made_up in enumerate(heard.concealed) if made_up and n > 100]
        assert len(late_or_concealed) <= 0.03 * COUNT
        assert heard.counters()["buffer_ms"] < 80
        assert_adds_up(heard)

    @pytest.mark.parametrize("late_ms", [10.0, 30.0])
    def test_one_late_packet_in_a_quiet_call_does_not_raise_the_delay(self, late_ms: float) -> None:
        delays = [late_ms if number == 300 else 0.0 for number in range(COUNT)]
        heard = play(network(PACKETS, delays_ms=delays), COUNT)
        assert lags(heard)[-1] == 0
        assert (heard.counters()["late"], heard.counters()["discarded"]) == (1, 0)
        assert heard.counters()["buffer_ms"] < 10

    def test_one_late_packet_at_the_start_does_not_raise_the_delay_either(self) -> None:
        delays = [14.6 if number == 3 else 0.0 for number in range(COUNT)]
        heard = play(network(PACKETS, delays_ms=delays), COUNT, phase_ms=15.0)
        assert np.array_equal(heard.pcm, SENT)

    def test_packets_that_are_late_time_and_again_are_waited_for(self) -> None:
        delays = [60.0 if number % 10 == 9 else 0.0 for number in range(COUNT)]
        # A loss beside a late packet is concealed: it does not shift what follows.
        heard = play(network(PACKETS, delays_ms=delays, lost=[228, 310]), COUNT - 4)
        assert sum(heard.concealed[100:]) == 2
        seen = lags(heard)
        assert {lag for lag in seen[150:] if lag is not None} == {seen[150]}
        assert sum(lag is None for lag in seen[150:]) <= 6

    def test_a_path_slower_by_more_than_is_remembered(self) -> None:
        long = speech(30.0)
        packets = Sender(long).packets()
        delays = [0.0 if n < 100 else 490.0 if n % 10 == 9 else 450.0 for n in range(len(packets))]
        heard = play(network(packets, delays_ms=delays), len(packets))
        assert not any(heard.concealed[1000:])
        assert heard.counters()["buffer_ms"] < 80

    def test_a_spike_is_ridden_out_and_leaves_no_delay(self) -> None:
        # 200 ms without a packet, then all of them: what is not too late is played as ever.
        delays = [
            float(max(0, 200 - 20 * (n - 200))) if 200 <= n < 210 else 0.0 for n in range(COUNT)
        ]
        heard = play(network(PACKETS, delays_ms=delays), COUNT)
        right = right_from(heard, 200)
        assert right is not None
        assert right <= 211
        assert abs(lags(heard)[-1] or 0) <= FRAME
        assert_adds_up(heard)

    def test_spikes_that_come_again_are_waited_for(self) -> None:
        delays = [max(0.0, 60.0 - 20 * (n % 50)) if n >= 50 else 0.0 for n in range(COUNT)]
        heard = play(network(PACKETS, delays_ms=delays), COUNT)
        assert sum(heard.concealed[200:]) == 0
        assert heard.counters()["buffer_ms"] < 90

    def test_what_a_slow_spell_needed_goes_when_it_is_forgotten(self) -> None:
        long = Sender(speech(80.0, seed=2))
        packets = long.packets()
        delays = [80.0 if 100 <= n < 110 else 0.0 for n in range(len(packets))]
        heard = play(network(packets, delays_ms=delays), len(packets))
        seen = lags(heard, as_heard(long.pcm))
        assert (seen[130] or 0) >= 3 * FRAME
        assert abs(seen[-1] or 0) <= FRAME

    def test_a_burst_at_the_very_start_is_not_carried_as_delay(self) -> None:
        # Thirty packets waited in the socket before anybody listened, in one moment.
        arrivals = [(600.0, packet) for packet in PACKETS[:30]]
        arrivals += [(20.0 * n, PACKETS[n]) for n in range(30, COUNT)]
        heard = play(arrivals, COUNT)
        assert heard.counters()["buffer_ms"] < 70
        assert heard.counters()["discarded"] > 20

    @pytest.mark.parametrize("stall_ms", [120, 300, 600])
    def test_what_came_too_late_to_be_played_is_not_heard_and_no_good_score(
        self, stall_ms: int
    ) -> None:
        """G.107 and RFC 3611, 4.7.1: what is discarded is as bad as what is lost."""
        stalls = [max(0, stall_ms - 20 * (n % 100)) if n >= 100 else 0 for n in range(COUNT)]
        heard = play(network(PACKETS, delays_ms=stalls), COUNT + stall_ms // 20)
        counters = heard.counters()
        unheard = counters["late"] + counters["discarded"]
        assert counters["lost"] == 0
        assert unheard > 0
        assert heard.stream.losses()["loss"] == pytest.approx(unheard / COUNT)

    def test_what_had_to_wait_before_anything_was_heard_is_not_missed(self) -> None:
        heard = play([(max(each[0], 300.0), each[1]) for each in network(PACKETS)], COUNT + 4)
        assert heard.counters()["discarded"] > 0
        assert heard.stream.losses()["loss"] == 0.0


class TestStretching:
    """A sine whose period is no whole number of samples: a cut would be a step."""

    VOICE = np.rint(8000 * np.sin(2 * np.pi * np.arange(60 * 8000) / 70.5)).astype(np.int16)

    @pytest.mark.parametrize(
        ("every_ms", "count"), [(19.95, "removed_samples"), (20.01, "inserted_samples")]
    )
    def test_is_no_step_and_no_change_of_pitch(self, every_ms: float, count: str) -> None:
        packets = Sender(self.VOICE).packets()
        heard = play(network(packets, every_ms=every_ms), round(3000 * every_ms / 20) - 5)
        assert heard.counters()[count] > 8 * 30
        made = heard.pcm[FRAME:].astype(int)
        largest = np.abs(np.diff(as_heard(self.VOICE).astype(int))).max()
        assert np.abs(np.diff(made)).max() < 1.15 * largest
        rising = np.count_nonzero((made[:-1] < 0) & (made[1:] >= 0))
        assert rising == pytest.approx(len(made) / 70.5, rel=0.002)

    def test_in_a_pause_what_is_missing_of_delay_is_put_in_at_once(self) -> None:
        hiss = np.random.default_rng(4).normal(0, 20, 8 * 8000).astype(np.int16)
        delays = [30.0 if n > 100 and n % 10 == 0 else 0.0 for n in range(COUNT)]
        heard = play(network(Sender(hiss).packets(), delays_ms=delays), COUNT)
        assert lags(heard, as_heard(hiss))[-2] in (2 * FRAME, 3 * FRAME)
        assert not any(heard.concealed[130:])


class TestClocks:
    @pytest.mark.parametrize("ppm", [100, -100, 500, -500])
    def test_a_senders_drift_is_followed(self, ppm: int) -> None:
        minute = speech(60.0)
        packets = Sender(minute).packets()
        every = 20 * (1 - ppm / 1e6)
        heard = play(network(packets, every_ms=every), round(3000 * every / 20))
        assert sum(heard.concealed) <= 1
        assert heard.counters()["late"] == 0
        assert heard.counters()["buffer_ms"] < 45
        assert_adds_up(heard)

    def test_a_stall_of_ours_is_made_good_at_once(self) -> None:
        heard = play(
            network(PACKETS),
            COUNT,
            slot_times=lambda n: None if 100 <= n < 125 else 7.0 + 20 * n,
        )
        sources = heard.sources(SENT)
        assert sources[100] == 125 * FRAME
        assert heard.counters()["buffer_ms"] == pytest.approx(7, abs=0.5)
        assert heard.counters()["discarded"] == 25
        assert_adds_up(heard)

    def test_a_slot_that_was_missed_cuts_nothing_off(self) -> None:
        heard = play(
            network(PACKETS), COUNT, slot_times=lambda n: None if n == 100 else 7.0 + 20 * n
        )
        assert heard.counters()["discarded"] == heard.counters()["dropped_samples"] == 0
        assert 0 < heard.counters()["removed_samples"] <= FRAME
        assert heard.counters()["buffer_ms"] < 20

    def test_a_first_slot_that_came_late_does_not_shift_the_others(self) -> None:
        heard = play(network(PACKETS), COUNT, slot_times=lambda n: 9.0 + 20 * n + 4 * (n == 0))
        assert heard.counters()["buffer_ms"] == pytest.approx(9, abs=0.1)

    def test_slots_that_come_late_by_turns_change_nothing(self) -> None:
        wakes = np.random.default_rng(2).uniform(0, 3, COUNT)
        heard = play(network(PACKETS), COUNT, slot_times=lambda n: 9.0 + 20 * n + wakes[n])
        assert np.array_equal(heard.pcm, SENT)

    def test_days_of_clock_do_not_overflow(self) -> None:
        stream = listener()
        start = 400 * 86_400_000.0
        arrivals = [(start + at, packet) for at, packet in network(PACKETS[:50])]
        heard = play(arrivals, 50, stream=stream, phase_ms=start + 7)
        assert np.array_equal(heard.pcm, SENT[: 50 * FRAME])


class TestDiscontinuities:
    """Audio is right again within 60 ms, whatever the sender does to its numbers."""

    def changed_at_100(self, sender: Sender) -> Heard:
        new = sender.packets()
        return play([(20.0 * n, (PACKETS if n < 100 else new)[n]) for n in range(COUNT)], COUNT)

    @pytest.mark.parametrize(
        "sender",
        [
            Sender(SPEECH, ssrc=0x9999, sequence=31000, timestamp=123456789),
            Sender(SPEECH, timestamp=1000 + 3600 * 8000),
            Sender(SPEECH, timestamp=(1000 - 3600 * 8000) % 2**32),
            Sender(SPEECH, timestamp=1000 + 800),
            Sender(SPEECH, timestamp=1000 - 400),
            Sender(SPEECH, sequence=40100),
            Sender(SPEECH, sequence=101 - 100),
            Sender(SPEECH, sequence=100 - 1),
            Sender(SPEECH, sequence=2100),
            Sender(SPEECH, sequence=7, timestamp=5),
            Sender(SPEECH, sequence=85, timestamp=(1000 - 3600 * 8000) % 2**32),
        ],
        ids=[
            "ssrc",
            "an hour on",
            "an hour back",
            "100 ms on",
            "50 ms back",
            "sequence far on",
            "sequence a little back",
            "sequence repeated",
            "sequence on",
            "both anew",
            "both back",
        ],
    )
    def test_is_right_again_within_60_ms(self, sender: Sender) -> None:
        heard = self.changed_at_100(sender)
        right = right_from(heard, 100)
        assert right is not None
        assert right <= 103
        assert heard.counters()["buffer_ms"] < 30
        assert_adds_up(heard)

    @pytest.mark.parametrize("pause_ms", [120, 300, 3000])
    @pytest.mark.parametrize("jitter_ms", [0, 8])
    def test_a_new_source_does_not_wait_for_a_pause_that_was_before(
        self, pause_ms: int, jitter_ms: int
    ) -> None:
        """On hold a far end may stop its clock: from then on the path seems slower by as much."""
        jitter = np.random.default_rng(2).uniform(0, jitter_ms, COUNT)
        new = Sender(SPEECH, ssrc=5, sequence=9, timestamp=9).packets()
        arrivals = [
            (20.0 * n + jitter[n] + pause_ms * ((n >= 50) + (n >= 100)), packet)
            for n, packet in enumerate(PACKETS[:100] + new[100:])
        ]
        heard = play(arrivals, COUNT + pause_ms // 10 - 5)
        right = right_from(heard, 100)
        assert right is not None
        assert right <= 100 + pause_ms // 10 + 10
        assert heard.counters()["buffer_ms"] < 30
        assert lags(heard)[-1] in (16 * pause_ms, 16 * pause_ms + FRAME)

    @pytest.mark.parametrize("slower_ms", [30, 60, 80, 95])
    @pytest.mark.parametrize("jitter_ms", [0, 8])
    @pytest.mark.parametrize("after", [10, 30, 50])
    def test_a_new_source_does_not_wait_as_if_the_path_were_as_fast_as_before(
        self, slower_ms: int, jitter_ms: int, after: int
    ) -> None:
        """What the path has become slower by is waited for once, not once more."""
        jitter = np.random.default_rng(2).uniform(0, jitter_ms, COUNT)
        new = Sender(SPEECH, ssrc=5, sequence=9, timestamp=9).packets()
        changes = 50 + after
        arrivals = [
            (20.0 * n + jitter[n] + slower_ms * (n >= 50), packet)
            for n, packet in enumerate(PACKETS[:changes] + new[changes:])
        ]
        heard = play(arrivals, COUNT)
        right = right_from(heard, changes)
        assert right is not None
        assert right <= changes + slower_ms // 20 + 3
        assert heard.counters()["buffer_ms"] < 30
        assert_adds_up(heard)

    @pytest.mark.parametrize("phase", [-13.0, -6.0, 0.0, 6.0, 11.0])
    def test_a_new_source_with_another_rhythm(self, phase: float) -> None:
        new = Sender(SPEECH, ssrc=5, sequence=9, timestamp=9).packets()
        arrivals = network(PACKETS[:100]) + [(20.0 * n + phase, new[n]) for n in range(100, COUNT)]
        heard = play(arrivals, COUNT - 2)
        right = right_from(heard, 100)
        assert right is not None
        assert right <= 104
        assert heard.counters()["buffer_ms"] < 27

    def test_what_waits_is_played_before_a_new_source(self) -> None:
        new = Sender(SPEECH, ssrc=5, sequence=9, timestamp=9).packets()
        sent = [(PACKETS if n < 205 else new)[n] for n in range(COUNT)]
        delays = [60.0 if n % 10 == 9 else 0.0 for n in range(COUNT)]
        heard = play(network(sent, delays_ms=delays), COUNT - 4)
        assert len(set(lags(heard)[150:])) == 1

    def test_what_waits_after_a_burst_is_played_before_a_new_source_too(self) -> None:
        new = Sender(SPEECH, ssrc=5, sequence=9, timestamp=9).packets()
        sent = [(PACKETS if n < 354 else new)[n] for n in range(COUNT)]
        delays = [max(0.0, 60.0 - 20 * (n - 350)) if n >= 350 else 0.0 for n in range(COUNT)]
        counters = play(network(sent, delays_ms=delays), COUNT).counters()
        # But for what was late already when it came, if it is not waited for.
        assert counters["late"] <= 3
        assert counters["discarded"] == counters["dropped_samples"] == 0

    def test_a_stray_packet_of_another_source_disturbs_nothing(self) -> None:
        stray = [(20.0 * n + 3, Packet(0, False, 7, 7, 0xBAD + n, b"\x10" * 160)) for n in (50, 90)]
        heard = play(network(PACKETS) + stray, COUNT)
        assert np.array_equal(heard.pcm, SENT)
        assert heard.verdicts.count("held") == 2
        assert [event for event in heard.events if event[0] == "ssrc"] == [("ssrc", 0x1234)]

    def test_two_sources_at_once_do_not_fight(self) -> None:
        other = Sender(SPEECH, ssrc=0xBAD, sequence=9, timestamp=9).packets()
        intruding = [(20.0 * n + 3, other[n]) for n in range(50, 150)]
        heard = play(network(PACKETS) + intruding, COUNT)
        assert np.array_equal(heard.pcm, SENT)

    def test_no_packet_is_lost_in_a_change_of_source(self) -> None:
        heard = self.changed_at_100(Sender(SPEECH, ssrc=1, sequence=5, timestamp=3))
        assert heard.counters()["lost"] == 0
        assert [event for event in heard.events if event[0] == "ssrc"] == [
            ("ssrc", 0x1234),
            ("ssrc", 1),
        ]

    def test_losses_before_a_change_of_source_stay_counted(self) -> None:
        new = Sender(SPEECH, ssrc=1).packets()
        arrivals = network(PACKETS[:100], lost=[10, 20]) + [
            (20.0 * n, new[n]) for n in range(100, COUNT) if n != 150
        ]
        assert play(arrivals, COUNT).counters()["lost"] == 3


class TestSilenceSuppression:
    def test_a_pause_that_the_timestamps_tell_is_no_loss(self) -> None:
        before, after = PACKETS[:100], PACKETS[150:]
        moved = [p._replace(sequence=p.sequence - 50, marker=n == 0) for n, p in enumerate(after)]
        arrivals = network(before) + [(20.0 * (150 + n), p) for n, p in enumerate(moved)]
        heard = play(arrivals, COUNT)
        assert heard.counters()["lost"] == 0
        assert right_from(heard, 150) == 150
        assert lags(heard)[-1] == 0

    def test_comfort_noise_is_as_loud_as_was_said_and_no_loss(self) -> None:
        noise = PACKETS[100]._replace(payload_type=13, payload=b"\x40")
        after = [p._replace(sequence=p.sequence - 49) for p in PACKETS[150:]]
        arrivals = [*network(PACKETS[:100]), (2000.0, noise)]
        arrivals += [(20.0 * (150 + n), p) for n, p in enumerate(after)]
        heard = play(arrivals, COUNT)
        assert heard.counters()["concealed_samples"] == 0
        level = np.sqrt(np.mean(heard.pcm[101 * FRAME : 150 * FRAME].astype(float) ** 2))
        assert level == pytest.approx(32768 * 10 ** (-0x40 / 20), rel=0.1)
        assert heard.counters()["silent_samples"] == 50 * FRAME
        assert right_from(heard, 150) == 150

    def test_silence_that_begins_is_no_click(self) -> None:
        loud = np.rint(12000 * np.cos(2 * np.pi * 200 * np.arange(16000) / 8000)).astype(np.int16)
        packets = Sender(loud).packets()
        noise = packets[50]._replace(payload_type=13, payload=b"\x7f")
        heard = play([*network(packets[:50]), (1000.0, noise)], 60)
        largest = np.abs(np.diff(as_heard(loud).astype(int))).max()
        steps = np.abs(np.diff(heard.pcm.astype(int)[FRAME:]))
        assert steps.max() < 1.3 * largest
        assert np.abs(heard.pcm[51 * FRAME :]).max() <= 1


class TestBounds:
    def test_a_flood_keeps_the_newest_and_counts_the_rest(self) -> None:
        arrivals: list[tuple[float, Packet | bytes]] = [(5.0, packet) for packet in PACKETS[:300]]
        heard = play(arrivals, 40, phase_ms=20.0)
        counters = heard.counters()
        assert counters["packets"] == 300
        assert counters["discarded"] >= 300 - 64
        assert_adds_up(heard)

    @settings(deadline=None, max_examples=100)
    @given(
        st.lists(
            st.tuples(
                st.integers(-5, 400),
                st.integers(0, 2**16 - 1) | st.integers(0, 40),
                st.integers(0, 2**32 - 1) | st.integers(0, 6000),
                st.integers(0, 3),
                st.sampled_from([0, 1, 80, 160, 161, 1400]),
                st.sampled_from([0, 0, 0, 8, 13, 99, 101]),
            ),
            max_size=60,
        ),
        st.sampled_from([10, 20, 30]),
    )
    def test_whatever_comes_every_slot_gets_its_frame(
        self, arrivals: list[tuple[int, int, int, int, int, int]], slot_ms: int
    ) -> None:
        packets = [
            (float(at), Packet(payload_type, False, sequence, timestamp, ssrc, bytes(length)))
            for at, sequence, timestamp, ssrc, length, payload_type in arrivals
        ]
        heard = play(packets, 25, slot_ms=slot_ms)
        assert len(heard.pcm) == 25 * heard.slot
        counters = heard.counters()
        assert counters["requested_samples"] == len(heard.pcm)
        assert counters["requested_samples"] == (
            counters["played_samples"]
            + counters["concealed_samples"]
            + counters["silent_samples"]
            + counters["inserted_samples"]
        )

    def test_times_that_run_backwards_are_survived(self) -> None:
        stream = listener()
        for number, packet in enumerate(PACKETS[:40]):
            stream.receive(rtp.serialize(packet), -number * 20 * MS)
            assert len(stream.playout(-number * 20 * MS + 7)) == 2 * FRAME

    def test_the_same_input_gives_the_same_bits(self) -> None:
        delays = np.random.default_rng(9).exponential(25, COUNT).tolist()
        lost = [n for n in range(COUNT) if n % 17 == 0]
        arrivals = network(PACKETS, delays_ms=delays, lost=lost)
        first, second = play(arrivals, COUNT), play(arrivals, COUNT)
        assert np.array_equal(first.pcm, second.pcm)
        assert first.counters() == second.counters()
