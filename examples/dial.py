"""Register, call somebody, and say how loud it is for a few seconds.

PASSWORD=secret python examples/dial.py sip:alice@pbx.example.com 600
"""

import asyncio
import os
import sys
from array import array

from platypus import CallError, Engine, RegistrationError


async def main(aor: str, number: str, seconds: float = 3.0) -> int:
    async with (
        Engine(audio="tone") as phone,
        phone.account(aor, password=os.environ.get("PASSWORD")) as account,
    ):
        try:
            await account.registered(timeout=10)
        except RegistrationError as problem:
            print(f"not registered: {problem}")
            return 3
        async with account.call(number) as call:
            try:
                await call.answered(timeout=30)
            except CallError as problem:
                print(f"not answered: {problem}")
                return 4
            heard = 0
            async for frame in call.frames():
                heard += 1
                if heard % 50 == 0:
                    print(f"second {heard // 50}: peak {max(map(abs, array('h', frame)))}")
                if heard >= seconds * 50:
                    break
        received = call.statistics()["receive"]
        print(f"received {received['packets']} packets, lost {received['lost']}")
    return 0


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    sys.exit(asyncio.run(main(sys.argv[1], sys.argv[2])))
