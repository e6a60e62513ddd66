"""Call several people at once and keep the first who answers; the others stop ringing.

python examples/first_to_answer.py sip:bob@192.0.2.1 sip:carol@192.0.2.2
"""

import asyncio
import sys
from contextlib import AsyncExitStack

from platypus import Call, CallError, Engine


async def answered(call: Call) -> Call:
    await call.answered()
    return call


async def main(targets: list[str]) -> int:
    async with Engine() as phone, AsyncExitStack() as ringing:
        calls = [await ringing.enter_async_context(phone.call(each)) for each in targets]
        waiting = [asyncio.create_task(answered(call)) for call in calls]
        for first in asyncio.as_completed(waiting, timeout=30):
            try:
                winner = await first
            except TimeoutError:
                print("nobody has answered in 30 s")
                break
            except CallError as problem:
                print(f"not this one: {problem}")
                continue
            print(f"{winner.remote} has answered")
            for call in calls:
                if call is not winner:
                    call.hangup()
            await asyncio.gather(*waiting, return_exceptions=True)  # theirs: they were cancelled
            await asyncio.sleep(0.5)  # here is where one would talk
            return 0
        for each in waiting:
            each.cancel()
    return 4


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(asyncio.run(main(sys.argv[1:])))
