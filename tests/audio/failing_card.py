"""A microphone that fails so that PortAudio's thread goes round for ever; what became of it.

    LD_PRELOAD=failing_card.so python -m tests.audio.failing_card

Prints, once the stream no longer calls itself active, whether PortAudio is in use after it was
closed. The stream's thread prints a line to stderr, which is best thrown away, each time round.
"""

from __future__ import annotations

import ctypes

from platypus.audio import portaudio
from platypus.audio.lists import list_devices
from tests._media.peer import wait_for


def main() -> None:
    microphone = next(each for each in list_devices().inputs if each.name == "mic")
    stream = portaudio.open_stream(microphone, capture=True)
    wait_for(lambda: stream.statistics()["callbacks"] > 3)
    fails = ctypes.c_int.in_dll(ctypes.CDLL(None), "fail")
    fails.value = 1
    wait_for(lambda: not stream.active)
    stream.close()
    print("in use" if portaudio.in_use() else "free")


if __name__ == "__main__":
    main()
