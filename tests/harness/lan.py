"""Machines, cables and routers: network namespaces with veth pairs between them (root, Linux).

A `Machine` is a namespace. Whatever is opened or started by a thread that is `inside` it belongs
to it: an engine of this process, a server. Cables are pulled, addresses changed and packets
dropped by the system's own tools, so that a phone sees what a laptop would see.

    phone 10.98.1.2 -- 10.98.1.1 -+
                                  +- pbx, which serves at 10.98.9.1
    phone 10.98.2.2 -- 10.98.2.1 -+
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness import namespace
from tests.harness.namespace import CLONE_NEWNET
from tests.harness.programs import find_program

SERVICE = "10.98.9.1"  # where servers listen: an address of the PBX that no cable carries


def needed() -> None:
    """Skips the test, saying why, where networks can't be made."""
    if not namespace.entered():
        pytest.skip("network namespaces need root on Linux")
    find_program("ip")


class Machine:
    """One namespace, gone with the last that uses it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._fd = -1
        maker = threading.Thread(target=self._make)
        maker.start()
        maker.join()
        self.ip("link", "set", "lo", "up")

    def close(self) -> None:
        os.close(self._fd)

    @contextlib.contextmanager
    def inside(self) -> Iterator[None]:
        """What this thread opens and starts meanwhile is in this machine."""
        before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        try:
            _enter(self._fd)
            yield
        finally:
            _enter(before)
            os.close(before)

    def run(self, program: str, *arguments: str) -> str:
        with self.inside():
            done = subprocess.run(
                [find_program(program), *arguments], capture_output=True, text=True, check=False
            )
        assert done.returncode == 0, f"{program} {arguments}: {done.stderr}"
        return done.stdout

    def ip(self, *arguments: str) -> None:
        self.run("ip", *arguments)

    def nft(self, rules: str) -> None:
        self.run("nft", rules)

    def add_address(self, cable: str, address: str, router: str = "") -> None:
        """An address with a prefix, and the default route where there is a router."""
        self.ip("address", "add", address, "dev", cable)
        if router:
            self.ip("route", "add", "default", "via", router)

    def remove_address(self, cable: str, address: str) -> None:
        """Its routes go with it."""
        self.ip("address", "delete", address, "dev", cable)

    def forward(self) -> None:
        """It is a router."""
        with self.inside():
            Path("/proc/sys/net/ipv4/ip_forward").write_text("1")

    @property
    def path(self) -> str:
        """By which `ip` knows it."""
        return f"/proc/{os.getpid()}/fd/{self._fd}"

    def _make(self) -> None:
        # A thread of its own: the one that runs the tests stays where it is.
        assert namespace._libc.unshare(CLONE_NEWNET) == 0
        self._fd = os.open("/proc/thread-self/ns/net", os.O_RDONLY)


def _enter(fd: int) -> None:
    assert namespace._libc.setns(fd, CLONE_NEWNET) == 0


def plug(one: Machine, other: Machine, cable: str) -> None:
    """A cable between two machines; its ends have the same name."""
    one.ip("link", "add", cable, "type", "veth", "peer", "name", cable, "netns", other.path)
    for machine in (one, other):
        machine.ip("link", "set", cable, "up")


class Lan:
    """A phone with a cable and a second network, and the PBX that both lead to."""

    def __init__(self) -> None:
        needed()
        self.phone, self.pbx = Machine("phone"), Machine("pbx")
        plug(self.phone, self.pbx, "cable")
        plug(self.phone, self.pbx, "radio")
        self.pbx.add_address("lo", f"{SERVICE}/32")
        self.pbx.add_address("cable", "10.98.1.1/24")
        self.pbx.add_address("radio", "10.98.2.1/24")
        self.plug_in()

    def plug_in(self) -> None:
        """The phone has 10.98.1.2."""
        self.phone.add_address("cable", "10.98.1.2/24", "10.98.1.1")

    def pull_out(self) -> None:
        self.phone.remove_address("cable", "10.98.1.2/24")

    def by_radio(self) -> None:
        """The phone has 10.98.2.2."""
        self.phone.add_address("radio", "10.98.2.2/24", "10.98.2.1")

    def by_radio_instead(self) -> None:
        """The cable is pulled, and the laptop is on the other network."""
        self.pull_out()
        self.by_radio()

    def close(self) -> None:
        self.phone.close()
        self.pbx.close()


class Natted:
    """A phone at 192.168.77.2 behind a router that others see as 10.98.1.2 (or .3).

    Inbound packets reach the phone only by mappings that its own have made. `symmetric` gives
    every destination another port, as the strictest routers do; else a port is kept (RFC 4787).
    """

    def __init__(self, *, symmetric: bool = True) -> None:
        needed()
        find_program("nft")
        self.phone, self.router, self.pbx = Machine("phone"), Machine("router"), Machine("pbx")
        plug(self.phone, self.router, "home")
        plug(self.router, self.pbx, "street")
        self.phone.add_address("home", "192.168.77.2/24", "192.168.77.1")
        self.router.add_address("home", "192.168.77.1/24")
        self.router.add_address("street", "10.98.1.2/24", "10.98.1.1")
        self.router.forward()
        self.router.nft(
            "add table ip nat; add chain ip nat out { type nat hook postrouting priority 100; };"
            f"add rule ip nat out oifname street masquerade {'random' if symmetric else ''};"
            # What nobody asked for is for nobody, as with every router that is one.
            "add chain ip nat in { type filter hook input priority 0; };"
            "add rule ip nat in iifname street meta l4proto { udp, tcp } drop"
        )
        self.pbx.add_address("lo", f"{SERVICE}/32")
        self.pbx.add_address("street", "10.98.1.1/24")

    def renumber(self) -> None:
        """The provider gives the router another address, and every mapping is lost."""
        self.router.remove_address("street", "10.98.1.2/24")
        self.router.add_address("street", "10.98.1.3/24", "10.98.1.1")

    def close(self) -> None:
        for machine in (self.phone, self.router, self.pbx):
            machine.close()
