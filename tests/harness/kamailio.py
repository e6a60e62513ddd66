"""Kamailio as registrar and proxy: digest, Record-Route, loose routing, locations in memory.

The configuration is ours and whole: no database, no file of the distribution. Users stand in a hash
table. Every REGISTER is logged with what became of it, so that tests can count refusals.
"""

from __future__ import annotations

import contextlib
import signal
import socket
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.harness.authority import Issued
from tests.harness.ports import free_port
from tests.harness.programs import Program, find_program

REALM = "platypus.test"
USERS = {"alice": "wonderland", "bob": "builder", "carol": "christmas"}

PROBE = (
    "OPTIONS sip:{address} SIP/2.0\r\nVia: SIP/2.0/UDP {host}:{port};branch=z9hG4bKup\r\n"
    "From: <sip:test@{realm}>;tag=1\r\nTo: <sip:{address}>\r\nCall-ID: up\r\n"
    "CSeq: 1 OPTIONS\r\nMax-Forwards: 5\r\nContent-Length: 0\r\n\r\n"
)

CONFIGURATION = """\
debug=2
log_stderror=yes
fork=yes
children=2
tcp_children=1
tcp_connection_lifetime=3605
dns=no
rev_dns=no
dns_use_search_list=no
auto_aliases=no
server_signature=no
listen=udp:{bound}:{port}
listen=tcp:{bound}:{port}
{tls}

loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "xlog.so"
loadmodule "auth.so"
loadmodule "htable.so"
{stun}
{tls_module}

modparam("usrloc", "db_mode", 0)
modparam("usrloc", "timer_interval", 1)
modparam("registrar", "min_expires", {min_expires})
modparam("registrar", "max_expires", {max_expires})
modparam("rr", "enable_full_lr", 1)
modparam("auth", "nonce_expire", {nonce_expire})
modparam("auth", "qop", "auth")
modparam("auth", "algorithm", "{algorithm}")
modparam("htable", "htable", "users=>size=4")
modparam("tm", "fr_timer", 5000)
modparam("tm", "fr_inv_timer", 30000)

event_route[htable:mod-init] {{
{users}
}}

request_route {{
    if (!mf_process_maxfwd_header("10")) {{ sl_send_reply("483", "Too Many Hops"); exit; }}
    if (is_method("CANCEL")) {{
        if (t_check_trans()) t_relay();
        exit;
    }}
    if (has_totag()) {{
        if (loose_route()) {{ xlog("L_INFO", "ROUTED $rm $ci\\n"); t_relay(); exit; }}
        if (is_method("ACK")) {{
            if (t_check_trans()) t_relay();
            exit;
        }}
        xlog("L_WARN", "LOST $rm $ci without a route\\n");
        sl_send_reply("404", "Not Here");
        exit;
    }}
    t_check_trans();
    if (is_method("REGISTER")) {{ route(REGISTRAR); exit; }}
    if (is_method("OPTIONS") && $rU == $null) {{ sl_send_reply("200", "OK"); exit; }}
    if (is_method("INVITE|SUBSCRIBE|MESSAGE")) {{
        if ($au == $null || !pv_proxy_authenticate("{realm}", "$sht(users=>$au)", "0")) {{
            proxy_challenge("{realm}", "1");
            exit;
        }}
        consume_credentials();
        if (is_method("MESSAGE")) xlog("L_INFO", "MESSAGE $fU relayed\\n");
        else record_route();
    }}
    if (!lookup("location")) {{ sl_send_reply("404", "Not Found"); exit; }}
    t_relay();
}}

route[REGISTRAR] {{
    if ($au == $null || !pv_www_authenticate("{realm}", "$sht(users=>$au)", "0")) {{
        if ($au == $null) xlog("L_INFO", "CHALLENGED $fU cseq=$cs\\n");
        else xlog("L_INFO", "REFUSED $fU cseq=$cs\\n");
        www_challenge("{realm}", "1");
        exit;
    }}
    if (save("location")) xlog("L_INFO", "SAVED $fU contact=$ct expires=$hdr(Expires) cseq=$cs\\n");
}}
"""

TLS_MODULE = """\
loadmodule "tls.so"
modparam("tls", "certificate", "{issued.certificate_file}")
modparam("tls", "private_key", "{issued.key_file}")
modparam("tls", "tls_method", "TLSv1.2+")
"""
TLS_CLIENTS = """\
modparam("tls", "ca_list", "{authority}")
modparam("tls", "verify_certificate", 1)
modparam("tls", "require_certificate", 1)
"""


class Kamailio(Program):
    """A running Kamailio; `address` is its `host:port`, for UDP and TCP.

    With a certificate it listens for TLS too, at `tls_address`.
    """

    def __init__(
        self,
        folder: Path,
        *,
        host: str = "127.0.0.1",
        port: int | None = None,
        users: Mapping[str, str] = USERS,
        algorithm: str = "MD5",
        min_expires: int = 1,
        max_expires: int = 3600,
        nonce_expire: int = 300,
        certificate: Issued | None = None,
        client_authority: str | None = None,
        stun: bool = False,
    ) -> None:
        self.host = host
        self.port = port or free_port(host)
        bound = f"[{host}]" if ":" in host else host
        self.address = f"{bound}:{self.port}"
        tls_port = free_port(host)
        self.tls_address = f"{bound}:{tls_port}"
        module = "" if certificate is None else TLS_MODULE.format(issued=certificate)
        if client_authority is not None:
            module += TLS_CLIENTS.format(authority=client_authority)
        self.users = dict(users)
        entries = "\n".join(f'    $sht(users=>{u}) = "{p}";' for u, p in self.users.items())
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / "kamailio.cfg"
        file.write_text(
            CONFIGURATION.format(
                bound=bound,
                port=self.port,
                tls="" if certificate is None else f"enable_tls=yes\nlisten=tls:{bound}:{tls_port}",
                tls_module=module,
                stun='loadmodule "stun.so"' if stun else "",
                users=entries,
                realm=REALM,
                algorithm=algorithm,
                min_expires=min_expires,
                max_expires=max_expires,
                nonce_expire=nonce_expire,
            )
        )
        program = find_program("kamailio")
        # -DD: children, but in the foreground; -E: log to stderr; small memories.
        command = [program, "-DD", "-E", "-m", "32", "-M", "4", "-f", str(file)]
        command += ["-Y", str(folder), "-w", str(folder), "-A", "KAM=1"]
        super().__init__("kamailio", command, folder=folder)
        try:
            self._wait_until_answering()
        except BaseException:
            self.stop()
            raise

    def count(self, what: str, user: str) -> int:
        """How many REGISTERs of a user were CHALLENGED, REFUSED or SAVED."""
        return sum(f"{what} {user} " in line for line in self.lines)

    def wait_for_count(self, what: str, user: str, wanted: int) -> int:
        """The count, once there are so many: the log may come after the answer."""

        def enough() -> int | None:
            return count if (count := self.count(what, user)) >= wanted else None

        return self.wait_for(enough, 5, f"{wanted} times {what} {user}")

    def freeze(self) -> None:
        """Stops answering, with its sockets open: a server that hangs."""
        self.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.signal(signal.SIGCONT)

    def _wait_until_answering(self) -> None:
        deadline = time.monotonic() + 10
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        host = self.address.rpartition(":")[0]
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((self.host, 0))
            probe.settimeout(0.1)
            data = PROBE.format(
                address=self.address, host=host, port=probe.getsockname()[1], realm=REALM
            )
            while self.running and time.monotonic() < deadline:
                with contextlib.suppress(OSError):
                    probe.sendto(data.encode(), (self.host, self.port))
                    if probe.recv(2048).startswith(b"SIP/2.0 200"):
                        return
        pytest.fail(f"kamailio does not answer; it said:\n{self.tail()}", False)
