"""Where recordings go."""

import os
from pathlib import Path

import pytest

from platypus.errors import AudioFileError
from platypus.media.recording import RecordingNames, open_for_recording


def test_the_first_call_has_the_name_and_the_others_a_number() -> None:
    names = RecordingNames("/tmp/OUT.wav")
    assert [names.next() for _ in range(3)] == ["/tmp/OUT.wav", "/tmp/OUT-2.wav", "/tmp/OUT-3.wav"]


def test_an_old_recording_is_replaced(tmp_path: Path) -> None:
    file = tmp_path / "out.wav"
    file.write_bytes(b"old")
    os.close(open_for_recording(str(file)))
    assert file.read_bytes() == b""


def test_a_place_that_can_not_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(AudioFileError, match=r"can't be written.*choose another place"):
        open_for_recording(str(tmp_path / "missing" / "out.wav"))
