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


@pytest.mark.parametrize("name", ["out.wav", "sub/../out.wav", "soft.wav", "hard.wav"])
def test_a_file_is_one_recording_s_until_that_has_closed_it(tmp_path: Path, name: str) -> None:
    file = tmp_path / "out.wav"
    (tmp_path / "sub").mkdir()
    descriptor = open_for_recording(str(file))
    os.write(descriptor, b"RIFF")
    (tmp_path / "soft.wav").symlink_to(file)
    os.link(file, tmp_path / "hard.wav")
    with pytest.raises(AudioFileError, match=r"is being recorded onto already; choose another"):
        open_for_recording(str(tmp_path / name))
    assert file.read_bytes() == b"RIFF"
    os.close(descriptor)
    os.close(open_for_recording(str(tmp_path / name)))
    assert file.read_bytes() == b""


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
def test_nobody_waits_for_whoever_may_read_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.wav"
    os.mkfifo(pipe)
    with pytest.raises(AudioFileError, match="nobody reads that pipe"):
        open_for_recording(str(pipe))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
def test_who_reads_a_pipe_slowly_is_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.wav"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    descriptor = open_for_recording(str(pipe))
    assert os.get_blocking(descriptor)
    for each in (descriptor, reader):
        os.close(each)


def test_any_number_may_be_recorded_to_nowhere() -> None:
    for descriptor in [open_for_recording(os.devnull) for _ in range(2)]:
        os.close(descriptor)
