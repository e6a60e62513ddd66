"""The media loop: a native thread that owns the RTP sockets of every leg."""

import socket
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

from platypus._media.conference import Conference
from platypus._media.endpoint import Sink, Source
from platypus._media.srtp import Context

class Loop:
    """One native thread without Python state; one for each Engine.

    Commands raise `error` before `start`, once the loop is closed, and in a child process
    after a fork; `drain_events` and `lateness` still tell what there was.
    """

    def __init__(
        self,
        *,
        log: Callable[[str], None] | None = None,
        error: type[Exception] = RuntimeError,
    ) -> None:
        """`error` is the exception raised where this says so: the engine gives MediaError."""

    def start(self) -> None:
        """Start the thread; returns once it has said what scheduling it got. Idempotent."""

    def close(self) -> None:
        """Stop the thread, close its sockets and finish its recordings.

        Takes at most a second, may be called twice. In a child process after a fork it
        neither joins nor closes: the child's copy is dead.
        """

    @property
    def closed(self) -> bool: ...
    @property
    def scheduling(self) -> str:
        """What the thread got, such as "SCHED_RR 1" or "slice 0.1 ms"; "" before start."""

    @property
    def wake_socket(self) -> socket.socket:
        """Readable when events wait: read some bytes from it, then call `drain_events`.

        Closed by `close`: stop watching it first.
        """

    def drain_events(self) -> list[tuple[Any, ...]]:
        """Everything that happened since the last call, oldest first.

        (leg_id, "started", payload_type)          the first RTP packet was taken
        (leg_id, "dtmf", digit, duration_ms)       a telephone-event ended; digit is one character
        (leg_id, "address", host, port)            RTP is sent there now (symmetric RTP)
        (leg_id, "ssrc", ssrc)                     the far end's SSRC: the first, and each new one
        (leg_id, "source-ended")                   a buffer was played to its last sample
        (leg_id, "stalled") (leg_id, "resumed")    no packet for 5 s though receiving; one again
        (leg_id, "recorded", frames, overruns)     the recording is complete on disk and closed
        (leg_id, "error", message)                 a socket or file error; each told once a leg
        """

    def drain_packets(self) -> list[tuple[int, str, str, int, bytes, int]]:
        """Packets for Python since the last call, oldest first: events wake for them too.

        (leg_id, "outside", host, port, packet, arrival_ns)          STUN or DTLS (RFC 7983)
        (leg_id, "open-rtp" or "open-rtcp", ...)                     of a leg that is "relayed"
        (leg_id, "seal-rtp" or "seal-rtcp", host, port, packet, by)  by: 1 for the RTCP socket
        """

    def open_leg(
        self,
        rtp_socket: socket.socket,
        rtcp_socket: socket.socket | None = None,
        *,
        ssrc: int,
        sequence: int,
        timestamp: int,
        rate: int = 8000,
        ptime_ms: int = 20,
        cname: bytes | None = None,
    ) -> Leg:
        """Take over two bound UDP sockets (they are detached) and begin to serve them.

        `rate` is the codecs' sampling rate; `ssrc`, `sequence` and `timestamp` are the random
        first values of RFC 3550, 5.1; `cname` names this end in its reports, at random when
        None (RFC 7022). Nothing is sent before `configure_send`. Raises `error` when the loop
        can take no more legs.
        """

    @property
    def events_lost(self) -> int:
        """Events that were never told because nobody drained them."""

    def give_back(self) -> None:
        """Free what legs that are over still hold, and let go of memory nobody uses."""
    def lateness(self) -> dict[str, float | int]:
        """How late packets left: `count`, `p50_ms`, `p99_ms`, `max_ms`, `skipped`.

        Lateness is the time of the send minus the deadline of its frame. `skipped` counts
        packets that were never sent because the thread was stalled for longer than it may
        catch up.
        """

    def turns(self) -> tuple[int, int]:
        """How many turns the slots had, and how many ended only after their slot's next one."""

    def reset_lateness(self) -> None:
        """Begin the statistics of `lateness` again."""

class Leg:
    """One RTP stream in both directions. Made by `Loop.open_leg`.

    Every method is a command that takes effect before the next frame. A full command queue
    raises the loop's `error`, as does any command after `close`.
    """

    @property
    def id(self) -> int: ...
    @property
    def loop(self) -> Loop: ...
    @property
    def closed(self) -> bool: ...
    def move(self, rtp_socket: socket.socket, rtcp_socket: socket.socket | None = None) -> None:
        """Go on over two other bound UDP sockets, which are detached; the old ones are closed.

        Stream, keys, sound and recording stay as they are. Nothing is sent before
        `configure_send`, and no report before `configure_rtcp`: the far end is another's now.
        """

    def configure_receive(self, payload_types: Mapping[int, str]) -> None:
        """Payload types to take, by codec: "pcmu", "pcma", "g722", "opus", "telephone-event", "cn".

        Packets of other types are counted as invalid and dropped.
        """

    def configure_send(
        self,
        payload_type: int,
        codec: str,
        remote: tuple[str, int] | None,
        event_payload_type: int | None = None,
        *,
        event_clock: int = 8000,
        ptime_ms: int = 20,
        noise_payload_type: int | None = None,
        settings: Mapping[str, int] | None = None,
    ) -> None:
        """What to send and where; `remote` is a numeric address. None: send nothing yet.

        The leg takes on the codec's rate, in mid-call as well: what it is joined to is
        resampled, what waits to be played is given up. With a number for comfort noise silence
        is not sent but described (RFC 3389). `settings` are Opus's: "bitrate" at the
        most, "max_rate" that is played, "fec", "dtx", "cbr".
        """

    def configure_rtcp(
        self, remote: tuple[str, int] | None, *, mux: bool = False, voip_metrics: bool = False
    ) -> None:
        """Where reports go, a numeric address; None: none are sent.

        With `mux` they share the port of RTP (RFC 5761) and go where it goes. With
        `voip_metrics` they carry that block of RFC 3611.
        """

    def set_direction(self, send: bool, receive: bool) -> None:
        """Both are on at first. Without `receive` packets are counted and dropped."""

    def protect(self, how: Context | Literal["plain", "shut", "relayed"]) -> None:
        """How to send: by a Context, plain (as at first), or not at all.

        "relayed" is for who can't make a Context: each packet comes out by
        `Loop.drain_packets`, to be protected and given back by `transmit`.
        """

    def unprotect(
        self, how: Context | Literal["plain", "shut", "relayed"], *, same_key: bool = False
    ) -> None:
        """How to receive; "shut" drops everything, as before it is known what was agreed.

        "relayed": each packet comes out, to be opened and given back by `deliver`.

        A context in use goes on beside a new one until it is clear which of them the far end
        sends by: one with the `same_key` is given up after 2 s without need, another waited for.
        RTCP goes through the same contexts.
        """

    def take_packets(self, on: bool) -> None:
        """Whether STUN and DTLS come out by `Loop.drain_packets`; else they are dropped."""

    def transmit(
        self, packet: bytes, remote: tuple[str, int], *, rtcp_socket: bool = False
    ) -> None:
        """Send a packet as it is, before the next frame."""

    def deliver(self, packet: bytes, source: tuple[str, int], arrival_ns: int) -> None:
        """Take a packet that was opened outside as if it had come, while "relayed"."""

    def set_source(self, source: Source | None) -> None:
        """What the far end hears; None is silence. A source given to a second leg moves."""

    def set_sink(self, sink: Sink | None) -> None:
        """Where the far end is heard; None is nowhere. A sink given to a second leg moves."""

    def set_mute(self, on: bool, *, held: bool = False) -> None:
        """Send silence instead of the source, which goes on running unheard.

        A leg that is held does not hear the others of its conference either.
        """

    def send_dtmf(
        self, digits: str | Iterable[str], duration_ms: int = 160, gap_ms: int = 80
    ) -> None:
        """Queue 0-9 * # A-D as RFC 4733 events; ValueError for others.

        At most 64 digits wait at a time: more raise `error`, as does having no payload type
        for events.
        """

    def watch_voice(self, on: bool) -> None:
        """Tell by `("voice", "sent" | "received", bool)` when speech begins and ends."""

    def join(self, conference: Conference) -> None:
        """Hear and be heard by the other legs of a conference; one at a time."""

    def leave(self) -> None:
        """Out of the conference; the leg goes on by itself."""

    def press(self, digits: Iterable[str], duration_ms: int = 160, gap_ms: int = 80) -> None:
        """Queue digits as tones, heard in the place of the source."""

    def listen_for_keys(self, on: bool) -> None:
        """Tell by "key" events which keys the far end presses as tones."""

    def start_record(
        self,
        fd: int,
        rate: int | None = None,
        *,
        when_started: bool = False,
        stereo: bool = False,
        place: int = 0,
    ) -> None:
        """Write what this leg plays to `fd` as WAV (mono, 16 bit) until it is told to stop.

        Stereo has both sides: what is sent on the left, what is played on the right.

        The loop owns the descriptor from here and closes it; "recorded" tells when. `rate`
        is the leg's when None. The header is written at once, each 20 ms frame as it plays;
        with `when_started` from the first packet of the call on. There may be another beside it,
        in place 1. ValueError for a rate that can't be had: the descriptor is then still the
        caller's.
        """

    def stop_record(self, place: int = 0) -> None: ...
    def statistics(self) -> dict[str, Any]:
        """A consistent snapshot, also after `close` (then the last).

        {"send": {"packets", "bytes", "lost", "jitter_ms", "level_peak", "level_rms"},
         "receive": {"packets", "bytes", "lost", "late", "duplicated", "reordered",
                     "jitter_ms", "buffer_ms", "concealed_ms", "stretched_ms", "silent_ms",
                     "level_peak", "level_rms", "codec", "bitrate", "packet_ms", "loss",
                     "burst_ratio"},
         "rtt_ms", "voip",
         "invalid", "strangers", "ignored", "rtcp_packets", "forged", "replayed", "unheard",
         "send_errors", "source_underruns", "sink_overruns"}
        What has not been measured is None. `silent_ms` is the time since the last packet.
        Levels are those of the last 100 ms, as a fraction of full scale. `strangers` counts
        packets from an address that is not the far end's, `ignored` those that came while
        the direction forbids receiving. What was sent is judged by the far end's reports;
        `voip` is its VoIP metrics block. `loss` is the fraction of packets that were not
        played, `burst_ratio` the length of its runs against that of random loss. `forged` and
        `replayed` are SRTP's refusals, `unheard` is what came while receiving was shut.
        """

    def close(self) -> None:
        """Stop the leg and close its sockets. Idempotent; a running recording is finished."""
