"""Finding out what is wrong: with an account, with a certificate, with what was said.

`account` tries one step by step, `certificate` shows whom a server claims to be, `redaction`
takes out of messages what nobody else may know, `bundle` puts it all in one file to send.
"""

from platypus.diagnose.account import AccountTry, Step, try_account
from platypus.diagnose.bundle import write_bundle
from platypus.diagnose.certificate import CertificateReport, look_at_certificate
from platypus.diagnose.redaction import redacted

__all__ = [
    "AccountTry",
    "CertificateReport",
    "Step",
    "look_at_certificate",
    "redacted",
    "try_account",
    "write_bundle",
]
