"""A switchboard: answers, and transfers the caller to whoever the digit pressed stands for.

python examples/switchboard.py 5060 1=sip:sales@example.com 2=sip:support@example.com
"""

import asyncio
import sys

from platypus import DtmfReceived, Engine, TransferProgressed


async def main(port: int, desks: dict[str, str]) -> None:
    async with Engine(listen=("0.0.0.0", port), auto_answer=0, audio="tone") as phone:
        print(f"listening at {phone.listen[0]}", flush=True)
        async for event in phone.events():
            match event:
                case DtmfReceived(call, digit) if digit in desks:
                    print(f"{call.remote} wants {desks[digit]}", flush=True)
                    call.transfer(desks[digit])
                case TransferProgressed(call, status, done) if done and status >= 300:
                    print(f"{call.remote} stays: {event.reason} ({status})", flush=True)
                case TransferProgressed(call, status, done) if done:
                    print(f"{call.remote} is through")
                    return


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    asyncio.run(main(int(sys.argv[1]), dict(desk.split("=", 1) for desk in sys.argv[2:])))
