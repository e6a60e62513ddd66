"""An in-memory network in virtual time: loss, delay, duplication, reordering.

`Network` carries whole messages between addresses; `Phone` drives one `UserAgent`
as the engine does (effects, events, timer), without asyncio. Names resolve by a
table. TCP hops never lose or reorder.

    network = Network()
    alice = network.phone("10.0.0.1")
    bob = network.phone("10.0.0.2")
    call = alice.call("sip:bob@10.0.0.2")
    network.run(1)
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from platypus.sip.events import Event
from platypus.sip.flow import Address, Close, Connect, Effect, Flow, Hop, Resolve, Send
from platypus.sip.session import Session
from platypus.sip.settings import AccountSettings, UserAgentSettings
from platypus.sip.uri import Uri
from platypus.sip.user_agent import UserAgent
from tests.harness.clock import Clock

E = TypeVar("E")

OFFER = b"v=0 offer\r\n"
ANSWER = b"v=0 answer\r\n"


@dataclass(slots=True)
class Impairment:
    """What the network does to a datagram; probabilities and seconds."""

    loss: float = 0.0
    duplication: float = 0.0
    delay: float = 0.01
    jitter: float = 0.0  # reorders as soon as it exceeds the time between two messages


class Endpoint(Protocol):
    """Something with an address."""

    address: Address

    def receive(self, data: bytes, flow: Flow) -> None: ...

    def next_timeout(self) -> float | None: ...

    def handle_timeout(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Step:
    """One message on the wire, as a ladder diagram has it."""

    time: float
    source: Address
    target: Address
    text: str  # "INVITE" or "180 INVITE"
    data: bytes
    lost: bool


class Network:
    """Endpoints, the messages between them, and time."""

    def __init__(self, impairment: Impairment | None = None, *, seed: int = 1) -> None:
        self.clock = Clock()
        self.impairment = impairment or Impairment()
        self.random = random.Random(seed)
        self.endpoints: dict[Address, Endpoint] = {}
        self.names: dict[str, list[Hop]] = {}
        self.unreachable: set[Address] = set()
        self.without_tcp: set[Address] = set()  # who takes datagrams only
        self.mute_tcp: set[Address] = set()  # whose router swallows every attempt to connect
        self.log: list[Step] = []
        self.filters: list[Callable[[Step], bool]] = []  # False drops the message

    @property
    def now(self) -> float:
        return self.clock.now

    def phone(self, host: str, port: int = 5060, **settings: Any) -> Phone:
        """A user agent of ours at an address."""
        return Phone(self, (host, port), UserAgentSettings(**settings))

    def carry(self, data: bytes, flow: Flow) -> None:
        """Take a message from `flow.local` to `flow.remote`."""
        step = Step(self.now, flow.local, flow.remote, label(data), data, False)
        dropped = not all(allowed(step) for allowed in self.filters)
        rules = self.impairment
        reliable = flow.transport != "udp"
        copies = 1
        if not reliable:
            dropped = dropped or self.random.random() < rules.loss
            copies += self.random.random() < rules.duplication
        self.log.append(Step(step.time, step.source, step.target, step.text, data, dropped))
        if dropped:
            return
        back = Flow(flow.transport, flow.remote, flow.local, flow.number)
        for _ in range(copies):
            delay = rules.delay + (0 if reliable else self.random.uniform(0, rules.jitter))
            self.clock.call_at(self.now + delay, lambda: self._deliver(data, back))

    def _deliver(self, data: bytes, flow: Flow) -> None:
        endpoint = self.endpoints.get(flow.local)
        if endpoint is not None:
            endpoint.receive(data, flow)

    def run(self, seconds: float) -> None:
        """Let time pass."""
        self.run_until(self.now + seconds)

    def run_until(self, when: float) -> None:
        """Let time pass to a moment."""
        while (due := self._next()) is not None and due <= when:
            self._step(due)
        self.clock.now = max(self.clock.now, when)

    def settle(self, limit: float = 3600.0) -> None:
        """Let time pass until nothing is to happen any more."""
        end = self.now + limit
        while (due := self._next()) is not None:
            assert due <= end, f"still busy after {limit} s"
            self._step(due)

    def _next(self) -> float | None:
        times = [endpoint.next_timeout() for endpoint in self.endpoints.values()]
        known = [time for time in (*times, self.clock.next()) if time is not None]
        return min(known) if known else None

    def _step(self, due: float) -> None:
        self.clock.now = max(self.clock.now, due)
        if self.clock.run_due():
            return
        for endpoint in list(self.endpoints.values()):
            timeout = endpoint.next_timeout()
            if timeout is not None and timeout <= self.now:
                endpoint.handle_timeout()

    def ladder(self) -> list[str]:
        """What was on the wire, such as `1 > 2 INVITE`, by the last number of the addresses."""
        return [f"{_last(step.source)} > {_last(step.target)} {step.text}" for step in self.log]


class Phone:
    """A user agent of ours, driven as the engine drives it."""

    def __init__(self, network: Network, address: Address, settings: UserAgentSettings) -> None:
        self.network = network
        self.address = address
        self.addresses = {address}
        seeded = random.Random(network.random.random())
        self.agent = UserAgent(random=seeded.randbytes, settings=settings)
        self.events: list[Event] = []
        self.react: Callable[[Event], None] | None = None  # what the user does about an event
        self.connected = True  # to the network
        self.asleep = False
        network.endpoints[address] = self

    def also_at(self, host: str) -> None:
        """Another address beside the one there is, of the other family."""
        self.addresses.add((host, self.address[1]))
        self.network.endpoints[host, self.address[1]] = self

    def move(self, host: str) -> None:
        """Another address, as the system tells the engine that tells the machine."""
        del self.network.endpoints[self.address]
        self.addresses.discard(self.address)
        old, self.address = self.address, (host, self.address[1])
        self.addresses.add(self.address)
        self.network.endpoints[self.address] = self
        self._look_after(f"our address changed from {old[0]} to {host}")

    def prefer(self, host: str) -> None:
        """A second network, which the system now sends by; the first is still there."""
        old, self.address = self.address, (host, self.address[1])
        self.addresses.add(self.address)
        self.network.endpoints[self.address] = self
        for flow in self.agent.flows:
            reason = f"our address changed from {old[0]} to {host}"
            self.agent.lost(flow, reason, self.network.now, heard=True)
        self.addresses.discard(old)  # of those that are sent from
        self.agent.reachable(self.network.now)
        self.pump()

    def unplug(self) -> None:
        """No network any more."""
        self.connected = False
        self._look_after("there is no route; check the network connection")

    def plug(self, host: str = "") -> None:
        """The network is back, perhaps with another address."""
        self.connected = True
        self.move(host or self.address[0])

    def sleep(self, seconds: float) -> None:
        """Time goes on for everybody else; then the clock's jump is noticed."""
        self.asleep = True
        self.network.run(seconds)
        self.asleep = False
        self.agent.woke(self.network.now)
        self.pump()

    def _look_after(self, reason: str) -> None:
        """What the driver does when the system tells of a change."""
        for flow in self.agent.flows:
            if flow.local not in self.addresses or not self.connected:
                self.agent.lost(flow, reason, self.network.now)
        if self.connected:
            self.agent.reachable(self.network.now)
        self.pump()

    def call(self, target: str, body: Any = OFFER, **options: Any) -> Session:
        """INVITE somebody."""
        session = self.agent.invite(target, body=body, now=self.network.now, **options)
        self.pump()
        return session

    def register(self, account: AccountSettings) -> Any:
        """Register an account."""
        registration = self.agent.register(account, self.network.now)
        self.pump()
        return registration

    def do(self, action: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        """Call a method that takes `now` last, then do what comes of it."""
        result = action(*arguments, now=self.network.now, **options)
        self.pump()
        return result

    def next(self, kind: type[E]) -> E:
        """The oldest event of a kind that no test has taken yet."""
        for event in self.events:
            if isinstance(event, kind):
                self.events.remove(event)
                return event
        raise AssertionError(f"no {kind.__name__} among {[type(e).__name__ for e in self.events]}")

    def has(self, kind: type[Any]) -> bool:
        """Whether there is an event of a kind."""
        return any(isinstance(event, kind) for event in self.events)

    def receive(self, data: bytes, flow: Flow) -> None:
        if self.connected and not self.asleep:
            self.agent.receive(data, flow, self.network.now)
            self.pump()

    def next_timeout(self) -> float | None:
        return None if self.asleep else self.agent.next_timeout()

    def handle_timeout(self) -> None:
        self.agent.handle_timeout(self.network.now)
        self.pump()

    def pump(self) -> None:
        """Do the effects and take the events until there are none."""
        while True:
            effects = self.agent.effects()
            for effect in effects:
                self._perform(effect)
            event = self.agent.next_event()
            if event is None and not effects:
                return
            if event is not None:
                self.events.append(event)
                if self.react is not None:
                    self.react(event)

    def _perform(self, effect: Effect) -> None:
        now = self.network.now
        match effect:
            case Send(flow, data):
                if self.connected:
                    local = flow.local if flow.local in self.addresses else self.address
                    self.network.carry(data, flow._replace(local=local))
            case Resolve(key, uri):
                hops = self._resolve(uri)
                if hops:
                    self.agent.resolved(key, hops, now)
                else:
                    self.agent.failed(key, f"{uri} does not resolve", now)
            case Connect(key, hop):
                remote = (hop.host, hop.port)
                if hop.transport != "udp" and remote in self.network.mute_tcp:
                    return
                local = self._source_for(hop)
                if not self.connected or local is None:
                    self.agent.failed(key, f"{hop.host}: there is no route", now)
                    return
                refused = hop.transport != "udp" and remote in self.network.without_tcp
                if refused or remote in self.network.unreachable:
                    self.agent.failed(key, f"{hop.host} refused the connection", now)
                else:
                    self.agent.connected(key, Flow(hop.transport, local, remote), now)
            case Close():
                pass

    def _source_for(self, hop: Hop) -> Address | None:
        """Ours of the hop's family."""
        six = ":" in hop.host
        return next((each for each in sorted(self.addresses) if (":" in each[0]) == six), None)

    def _resolve(self, text: str) -> list[Hop]:
        uri = Uri.parse(text)
        if uri.host in self.network.names:
            return self.network.names[uri.host]
        if uri.host.rpartition(".")[2].isalpha():
            return []
        transport = uri.transport or "udp"
        assert transport in ("udp", "tcp", "tls")
        return [Hop(transport, uri.host, uri.port or 5060)]  # type: ignore[arg-type]


def label(data: bytes) -> str:
    """A message in short: its method, or its status and the method it answers."""
    head = data.partition(b"\r\n\r\n")[0].decode(errors="replace")
    start = head.partition("\r\n")[0].split(" ")
    if not start[0].startswith("SIP/"):
        return start[0]
    cseq = [line for line in head.split("\r\n") if line.startswith("CSeq:")]
    return " ".join([*start[1:2], *cseq[0].split()[-1:]]) if cseq else start[1]


def _last(address: Address) -> str:
    return address[0].rpartition(".")[2]
