"""A menu by keypad: prints the digits a caller presses, and hangs up at the hash key.

python examples/keypad_menu.py 5060
"""

import asyncio
import sys

from platypus import CallEnded, DtmfReceived, Engine


async def main(port: int) -> None:
    async with Engine(listen=("0.0.0.0", port), auto_answer=0, audio="tone") as phone:
        print(f"listening at {phone.listen[0]}", flush=True)
        async for event in phone.events():
            match event:
                case DtmfReceived(call, "#"):
                    call.hangup()
                case DtmfReceived(call, digit):
                    print(f"{call.remote} pressed {digit}", flush=True)
                case CallEnded(call):
                    print(f"{call.remote} is done")
                    return


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    asyncio.run(main(int(sys.argv[1])))
