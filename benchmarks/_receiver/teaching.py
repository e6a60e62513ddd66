"""Teach the phone what G.722's low band is like behind a loss: writes `g722_taught.h`.

    python -m benchmarks._receiver.teaching [where Debian's packages are unpacked]

Speech of many speakers is coded, gaps of 20 to 160 ms are made in it at random, and a small
network learns what the sender's predictor and step size then were from the hints that the phone
itself gathers (`g722_guess`). The speech: `asterisk-core-sounds-es-g722` and `-it-g722` but for
what `benchmarks` judges by ("other"), `klettres-data`, `ktuberling-data` and `festvox-ru`. Needs
the package `soundfile`, and some minutes. How far off the guess is, beside halfway between what
was before the gap and where the codes behind it lead, is printed for the half "check".
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks._receiver.codings import at_rate
from benchmarks._receiver.speech import WIDE_RATE, Pcm, levelled, prompts, speech
from platypus._media import g722

Floats = NDArray[np.float32]

OUT = Path(__file__).parents[2] / "platypus/_media/g722_taught.h"
FRAME = WIDE_RATE // 50
LONGEST_GAP = 8
GAPS = np.array([30, 20, 16, 12, 8, 6, 4, 4]) / 100  # how often each length is
JUDGED_SECONDS = slice(38, 60)  # of the prompts: in them lies the half "other"
SECONDS = 1500  # of a package
TWICE = 1000  # and if there is less than so much of it, other gaps in it as well
QUIETER = 0.08  # of half seconds
NOISY = 0.15  # of stretches of 10 s
UNITS = 96
EPOCHS = 25
BATCH = 512
RATE = 2e-3
DECAY = 1e-3
LEAK = 0.1  # of a unit whose sum is negative
# What an error of each of the nine is measured in: about as large as they are.
MEASURE = np.array([5900, 3700, 2550, 2550, 2500, 2430, 2160, 2200, 2900], dtype=np.float32)


@dataclass(slots=True)
class Gaps:
    hints: Floats
    halfway: Floats
    was: Floats

    @property
    def off(self) -> Floats:
        """How far it was from halfway."""
        return (self.was - self.halfway) / MEASURE


def recordings(paths: Iterable[Path], random: np.random.Generator) -> NDArray[np.float64]:
    """Sound files one after the other, as loud as each other, without the silence about them."""
    import soundfile  # only this script needs it

    found = sorted(paths)
    random.shuffle(found)
    parts: list[NDArray[np.float64]] = []
    for path in found:
        try:
            sound, rate = soundfile.read(path, always_2d=True)
        except soundfile.LibsndfileError:
            continue
        if rate < WIDE_RATE or len(sound) < 0.3 * rate or np.sqrt((sound**2).mean()) < 1e-3:
            continue
        mono = sound.mean(axis=1)
        pcm = np.rint(mono * (1500 / np.sqrt((mono**2).mean())))
        part = at_rate(np.clip(pcm, -32768, 32767).astype(np.int16), rate, WIDE_RATE).astype(float)
        loud = np.flatnonzero(np.convolve(part**2, np.ones(FRAME) / FRAME, "same") > 100)
        parts.append(part[max(0, loud[0] - 1600) : loud[-1] + 1600])
        if sum(map(len, parts)) > SECONDS * WIDE_RATE:
            break
    if not parts:
        raise SystemExit("no speech to learn from: the packages are named at this script's top")
    return np.concatenate(parts)


def lessons(root: Path, random: np.random.Generator) -> list[Pcm]:
    """All that is learnt from, level by level as calls have them."""
    share = root / "usr/share"
    sounds = []
    for name in ("es_MX_f_Allison", "it_IT_m_Carlo"):
        read = prompts(share / "asterisk/sounds" / name, WIDE_RATE, 1200)
        judged = slice(*(at * WIDE_RATE for at in (JUDGED_SECONDS.start, JUDGED_SECONDS.stop)))
        sounds.append(np.delete(read, judged))
    for folder in ("festival", "klettres", "ktuberling"):
        kinds = {".wav", ".ogg", ".opus"}
        files = (path for path in (share / folder).rglob("*") if path.suffix in kinds)
        sounds.append(recordings(files, random))
    return [at_levels(levelled(sound, WIDE_RATE), random) for sound in sounds]


def at_levels(sound: Pcm, random: np.random.Generator) -> Pcm:
    """As loud as calls are, with the noise of a room now and then, and with words far quieter."""
    louder = sound.astype(float)
    for begin in range(0, len(sound), 10 * WIDE_RATE):
        part = louder[begin : begin + 10 * WIDE_RATE]
        for at in range(0, len(part), WIDE_RATE // 2):
            if random.random() < QUIETER:
                part[at : at + WIDE_RATE // 2] *= 10 ** (random.uniform(-50, 0) / 20)
        part *= 10 ** (random.uniform(-9, 3) / 20)
        if random.random() < NOISY:
            colour = np.exp2(-np.arange(16) * random.uniform(0.2, 3.0))
            noise = np.convolve(random.normal(0.0, 1.0, len(part)), colour, "same")
            part += noise * (10 ** (random.uniform(0.5, 3.2)) / noise.std())
    return np.asarray(np.clip(np.rint(louder), -32000, 32000), dtype=np.int16)


def gaps(sound: Pcm, random: np.random.Generator) -> Gaps:
    """One gap behind which each packet comes, where there is speech on either side."""
    encoder, decoder = g722.Encoder(), g722.Decoder()
    count = len(sound) // FRAME
    power = (sound[: count * FRAME].astype(float).reshape(-1, FRAME) ** 2).mean(axis=1)
    active = power > 1e-3 * np.quantile(power, 0.9)
    lengths = random.choice(np.arange(1, LONGEST_GAP + 1), count, p=GAPS)
    before: list[g722.Decoder] = []  # the decoder as it was at each of the last packets
    hints, halfway, was = [], [], []
    for at in range(count):
        codes = encoder.encode(sound[at * FRAME : (at + 1) * FRAME].tobytes())
        gap = int(lengths[at])
        if at >= 20 and (active[at] or active[at - gap - 1]):
            told, half = before[-gap].hints(gap * len(codes), codes)
            hints.append(told)
            halfway.append(half)
            was.append(decoder.low())
        before = [*before[1 - LONGEST_GAP :], decoder.copy()]
        decoder.decode(codes)
    return Gaps(*(np.array(part, dtype=np.float32) for part in (hints, halfway, was)))


class Network:
    """Hints to units to what is likely, all weights in two tables; Adam, and a robust loss."""

    def __init__(self, hints: Floats, random: np.random.Generator) -> None:
        self.mean, self.spread = hints.mean(axis=0), hints.std(axis=0) + 1e-3
        sizes = ((hints.shape[1] + 1, UNITS), (UNITS + 1, len(MEASURE)))
        self.weights = [
            (random.standard_normal(size) / np.sqrt(size[0])).astype(np.float32) for size in sizes
        ]
        self.weights[1] *= 0.1
        self.moments = [[np.zeros_like(table) for table in self.weights] for _ in range(2)]
        self.steps = 0

    def layers(self, hints: Floats) -> list[Floats]:
        first = with_one((hints - self.mean) / self.spread)
        sums = first @ self.weights[0]
        second = with_one(np.maximum(sums, LEAK * sums))
        return [first, second, second @ self.weights[1]]

    def learn(self, hints: Floats, off: Floats, rate: float) -> None:
        first, second, likely = self.layers(hints)
        wrong = np.clip(likely - off, -2, 2) / len(hints)
        back = (wrong @ self.weights[1][:-1].T) * np.where(second[:, :-1] > 0, 1, LEAK)
        self.steps += 1
        for at, slope in enumerate((first.T @ back, second.T @ wrong)):
            mean, square = (moment[at] for moment in self.moments)
            mean += 0.1 * (slope - mean)
            square += 0.001 * (slope * slope - square)
            step = mean / (1 - 0.9**self.steps)
            step /= np.sqrt(square / (1 - 0.999**self.steps)) + 1e-8
            step[:-1] += DECAY * self.weights[at][:-1]
            self.weights[at] -= np.float32(rate) * step

    def tables(self) -> list[NDArray[np.float64]]:
        """The weights for hints as they are and the nine as they are."""
        units = self.weights[0].astype(float)
        units[:-1] /= self.spread[:, None]
        units[-1] -= self.mean @ units[:-1]
        return [units, self.weights[1] * MEASURE]


def with_one(values: Floats) -> Floats:
    return np.concatenate([values, np.ones((len(values), 1), dtype=np.float32)], axis=1)


def taught(lesson: Gaps, random: np.random.Generator, tell: Callable[[Network], None]) -> Network:
    network = Network(lesson.hints, random)
    off, count = lesson.off, len(lesson.hints)
    done, all_steps = 0, EPOCHS * (count // BATCH)
    for _ in range(EPOCHS):
        order = random.permutation(count)
        for begin in range(0, count - BATCH + 1, BATCH):
            chosen = order[begin : begin + BATCH]
            rate = RATE * 0.5 * (1 + np.cos(np.pi * done / all_steps))
            network.learn(lesson.hints[chosen], off[chosen], rate)
            done += 1
        tell(network)
    return network


def written(tables: list[NDArray[np.float64]]) -> str:
    lines = [
        "/* Written by `python -m benchmarks._receiver.teaching`: what g722_guess.pyx learnt. */",
        "#ifndef PLATYPUS_G722_TAUGHT_H",
        "#define PLATYPUS_G722_TAUGHT_H",
        "",
        "#include <stdint.h>",
        "",
        f"enum {{ G722_UNITS = {UNITS} }};",
        f"static const float g722_leak = {LEAK:.9g}f;",
    ]
    for name, table in zip(("unit", "likely"), tables, strict=True):
        scale = np.abs(table).max() / 32767
        whole = np.rint(table / scale).astype(int)
        lines += [
            "",
            f"static const float g722_{name}_scale = {scale:.9g}f;",
            f"static const int16_t g722_{name}_weights[{table.size}] = {{",
        ]
        text = [f"{value}," for value in whole.ravel()]
        line = "   "
        for value in text:
            if len(line) + 1 + len(value) > 98:
                lines.append(line)
                line = "   "
            line += f" {value}"
        lines += [line, "};"]
    return "\n".join([*lines, "", "#endif", ""])


def main() -> None:
    random = np.random.default_rng(3)
    root = Path(sys.argv[1] if len(sys.argv) > 1 else "/")
    parts = []
    for sound in lessons(root, random):
        times = 2 if len(sound) < TWICE * WIDE_RATE else 1
        parts += [gaps(sound, random) for _ in range(times)]
        print(f"{len(sound) / WIDE_RATE:.0f} s of speech, {len(parts[-1].hints)} gaps", flush=True)
    lesson = Gaps(*(np.concatenate([getattr(p, n) for p in parts]) for n in Gaps.__slots__))
    check = gaps(speech("check", WIDE_RATE), random)

    def tell(network: Network) -> None:
        wrong = network.layers(check.hints)[-1] - check.off
        print((np.sqrt((wrong**2).mean(0)) / np.sqrt((check.off**2).mean(0))).round(3), flush=True)

    OUT.write_text(written(taught(lesson, random, tell).tables()))


if __name__ == "__main__":
    main()
