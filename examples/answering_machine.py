"""Answer after the greeting's worth of ringing, play it, and record the message.

python examples/answering_machine.py greeting.wav message.wav
"""

import asyncio
import sys

from platypus import Engine, IncomingCall, Played


async def main(greeting: str, message: str, port: int = 0) -> None:
    async with Engine(listen=("0.0.0.0", port)) as phone:
        print(f"listening at {phone.listen[0]}", flush=True)
        async for event in phone.events():
            match event:
                case IncomingCall(call):
                    call.answer()
                    call.play(greeting)
                case Played(call):
                    call.record(message)
                    ended = await call.ended()
                    print(f"{call.remote} spoke for {ended.statistics['duration_s']} s")
                    return


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    asyncio.run(main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])))
