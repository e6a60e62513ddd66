"""SRTP written down a second time, from the RFCs and on top of `cryptography`.

It passes the vectors that start from session keys (RFC 3711, B.2 and B.3; RFC 7714, 16 and 17),
which libsrtp can't be given, and so says what libsrtp must make of any master key.
"""

from __future__ import annotations

import hashlib
import hmac

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

HEADER = 12
LABELS = {False: (0, 1, 2), True: (3, 4, 5)}  # RFC 3711, 4.3.1: cipher, authentication, salt


def keystream(key: bytes, counter: bytes, length: int) -> bytes:
    """AES in counter mode (RFC 3711, 4.1.1)."""
    encryptor = Cipher(algorithms.AES(key), modes.CTR(counter)).encryptor()
    return encryptor.update(bytes(length))


def derive(master: bytes, salt: bytes, label: int, length: int) -> bytes:
    """RFC 3711, 4.3.3, with a key derivation rate of 0; RFC 7714, 11 pads the salt to 14."""
    x = int.from_bytes(salt.ljust(14, b"\0"), "big") ^ label << 48
    return keystream(master, (x << 16).to_bytes(16, "big"), length)


def xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))


def gcm(key: bytes, salt: bytes, place: bytes, aad: bytes, text: bytes) -> bytes:
    """RFC 7714, 8: `place` is what the salt is mixed with, 12 bytes."""
    return AESGCM(key).encrypt(xor(salt, place), text, aad)


def rtp_place(packet: bytes, roc: int) -> bytes:
    return bytes(2) + packet[8:12] + roc.to_bytes(4, "big") + packet[2:4]


def rtcp_place(packet: bytes, index: int) -> bytes:
    return bytes(2) + packet[4:8] + bytes(2) + index.to_bytes(4, "big")


def protect_rtp_gcm(master: bytes, key_length: int, packet: bytes, roc: int = 0) -> bytes:
    key, salt = master[:key_length], master[key_length:]
    cipher, _, salting = LABELS[False]
    session_key = derive(key, salt, cipher, key_length)
    session_salt = derive(key, salt, salting, 12)
    head, text = packet[:HEADER], packet[HEADER:]
    return head + gcm(session_key, session_salt, rtp_place(packet, roc), head, text)


def protect_rtcp_gcm(master: bytes, key_length: int, packet: bytes, index: int) -> bytes:
    key, salt = master[:key_length], master[key_length:]
    cipher, _, salting = LABELS[True]
    session_key = derive(key, salt, cipher, key_length)
    session_salt = derive(key, salt, salting, 12)
    word = (1 << 31 | index).to_bytes(4, "big")  # RFC 7714, 9.1: with the E bit
    text = gcm(session_key, session_salt, rtcp_place(packet, index), packet[:8] + word, packet[8:])
    return packet[:8] + text + word


def protect_rtp_cm(master: bytes, tag: int, packet: bytes, roc: int = 0) -> bytes:
    key, salt = master[:16], master[16:]
    cipher, authentication, salting = LABELS[False]
    index = roc << 16 | int.from_bytes(packet[2:4], "big")
    session_salt = int.from_bytes(derive(key, salt, salting, 14), "big")
    ssrc = int.from_bytes(packet[8:12], "big")
    counter = session_salt << 16 ^ ssrc << 64 ^ index << 16
    head, text = packet[:HEADER], packet[HEADER:]
    stream = keystream(derive(key, salt, cipher, 16), counter.to_bytes(16, "big"), len(text))
    protected = head + xor(text, stream)
    signed = protected + roc.to_bytes(4, "big")
    session_key = derive(key, salt, authentication, 20)
    return protected + hmac.digest(session_key, signed, hashlib.sha1)[:tag]
