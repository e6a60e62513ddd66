"""The built-in PBX: somebody to call where there is no server, for trying and testing.

    async with Pbx(listen=("127.0.0.1", 0), users={"alice": "secret"}) as pbx:
        account = phone.account(pbx.uri("alice"), password="secret")

It is no product: it keeps nothing on disk, serves one domain, and every user may
call everybody. It uses the signalling and the media core of the phone, so that a
call through it goes through the same code as a call through any other server.

    server      the engine it runs on, and who gets which request
    registrar   bindings of users to contacts (RFC 3261, section 10.3)
    bridge      two users back to back, bodies passed through
    relay       messages between users
    watchers    busy lamps, and what waits in a mailbox
    extensions  600 and on: echo, tones, music, refusals
    melody      what is played, as samples
"""

from platypus.pbx.server import Pbx

__all__ = ["Pbx"]
