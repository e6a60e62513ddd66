"""How much echo is removed in a simulated room (ERLE), by WebRTC's canceller from the extra `aec`.

The far end's voice comes from a loudspeaker, through a room (a direct sound 12 ms late and a tail
of 150 ms that decays) into the microphone, with a little noise:

    converged      the last 4 of 12 s
    changed        the echo path is another one: the last 4 of the next 10 s
    drift          the microphone's clock is 100 ppm fast: the last 4 of 12 s, anew
    double talk    somebody speaks here as well: how much of that voice arrives, in dB, and
                   the echo that is left once it is silent again

ERLE is the echo's energy over that of what is left of it, in dB. Only the canceller counts: noise
suppression and gain control are off. It is the C code of the media thread, in virtual time.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from platypus._media.canceller import Canceller
from platypus.audio.echo import functions
from tests.harness.listening import speech

Sound = npt.NDArray[np.float64]
RATE = 16_000
BLOCK = RATE // 100
TAIL_S, DIRECT_S = 0.15, 0.012
DRIFT = 100e-6
LAST_S = 4.0
WINDOW = 4096
# In dB, at least; the table of targets has upper limits, so they are written as what is missing.
LEAST = {"converged": 30.0, "changed": 25.0, "drift": 30.0, "after_double_talk": 25.0}
TARGETS = {f"{name}_short_of_db": 0.0 for name in LEAST}


def room(seed: int) -> Sound:
    """An impulse response: the direct sound, and reflections that decay by 60 dB in its length."""
    rng = np.random.default_rng(seed)
    size = int(TAIL_S * RATE)
    response = rng.standard_normal(size) * 10 ** (-3 * np.arange(size) / size)
    response[: int(DIRECT_S * RATE)] = 0
    response[int(DIRECT_S * RATE)] = 4
    return response / np.sqrt((response**2).sum()) * 0.5


def hear(said: Sound, response: Sound) -> Sound:
    size = len(said) + len(response)
    spectrum = np.fft.rfft(said, size) * np.fft.rfft(response, size)
    return np.fft.irfft(spectrum, size)[: len(said)]


def drifted(samples: Sound) -> Sound:
    """As a clock that is fast counts them."""
    at = np.arange(len(samples)) * (1 - DRIFT)
    return np.interp(at, np.arange(len(samples)), samples)


class Desk:
    """A canceller between a loudspeaker and a microphone."""

    def __init__(self) -> None:
        found = functions()
        if found is None:
            raise SystemExit("benchmarks: echo needs livekit (pip install 'platypus-phone[aec]')")
        self.canceller = Canceller(found, noise=False, gain=False)

    def clean(self, played: Sound, captured: Sound) -> Sound:
        """What is left of `captured`."""
        noise = np.random.default_rng(5).standard_normal(len(captured)) * 3
        said = np.clip(captured + noise, -32768, 32767).astype(np.int16)
        far = played.astype(np.int16)
        left = []
        for at in range(0, len(said) - BLOCK + 1, BLOCK):
            self.canceller.hear(far[at : at + BLOCK].tobytes(), RATE)
            block = bytearray(said[at : at + BLOCK].tobytes())
            self.canceller.say(block, RATE)
            left.append(np.frombuffer(block, dtype=np.int16))
        return np.concatenate(left).astype(float)


def erle(echo: Sound, left: Sound) -> float:
    """Of the last seconds."""
    count = int(LAST_S * RATE)
    return float(10 * np.log10((echo[-count:] ** 2).sum() / max(1.0, (left[-count:] ** 2).sum())))


def voice(seconds: float, seed: int) -> Sound:
    return speech(seconds, seed=seed, rate=RATE).astype(float)


def spectra(samples: Sound) -> npt.NDArray[np.complex128]:
    whole = samples[: len(samples) // WINDOW * WINDOW].reshape(-1, WINDOW)
    return np.fft.rfft(whole * np.hanning(WINDOW))


def lost(near: Sound, left: Sound) -> float:
    """By how many dB a voice is weaker than it was said: its part in what is left.

    Frequency by frequency: the canceller's filters shift phases, which takes nothing from a voice
    but would hide it from a correlation of all at once.
    """
    said = spectra(near[: -RATE // 20])
    energy = (np.abs(said) ** 2).sum(axis=0)
    shares = []
    for late in range(0, RATE // 20, BLOCK // 5):  # what filters delay is unknown
        heard = spectra(left[late : late + len(near) - RATE // 20])
        part = (heard * np.conj(said)).sum(axis=0)
        shares.append(float((np.abs(part) ** 2 / energy).sum() / energy.sum()))
    return -10 * float(np.log10(max(1e-6, *shares)))


def run() -> Mapping[str, float | str]:
    """For `python -m benchmarks`."""
    began = time.process_time()
    desk = Desk()
    far = voice(34.0, 1)
    first, second, both = far[: 12 * RATE], far[12 * RATE : 22 * RATE], far[22 * RATE :]
    echo = hear(first, room(1))
    found = {"converged": erle(echo, desk.clean(first, echo))}
    echo = hear(second, room(2))
    found["changed"] = erle(echo, desk.clean(second, echo))
    echo, near = hear(both, room(2)), voice(12.0, 2)
    near[6 * RATE :] = 0
    left = desk.clean(both, echo + near)
    talk = slice(RATE, 6 * RATE)
    near_lost = lost(near[talk], left[talk])
    found["after_double_talk"] = erle(echo, left)
    echo = drifted(hear(first, room(1)))
    found["drift"] = erle(echo, Desk().clean(first, echo))
    used = time.process_time() - began
    blocks = (34 + 12) * 100
    return {
        **{f"{name}_erle_db": value for name, value in found.items()},
        **{f"{name}_short_of_db": max(0.0, LEAST[name] - found[name]) for name in found},
        "near_voice_lost_db": near_lost,
        "cpu_of_10ms_us": used / blocks * 1e6,
    }
