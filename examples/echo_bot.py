"""Answer every call and send back what it says, sample by sample, in Python.

python examples/echo_bot.py 5060        then call sip:anybody@this-host:5060
"""

import asyncio
import sys

from platypus import Call, Engine, IncomingCall, StateError


async def echo(call: Call) -> None:
    call.answer()
    print(f"{call.remote} calls")
    try:
        async for frame in call.frames():
            await call.write(frame)
    except StateError:
        pass  # hung up while we were writing
    print(f"{call.remote} has gone")


async def main(port: int, calls: int | None = None) -> None:
    async with Engine(listen=("0.0.0.0", port)) as phone, asyncio.TaskGroup() as tasks:
        events = phone.events()
        print(f"listening at {phone.listen[0]}", flush=True)
        async for event in events:
            if isinstance(event, IncomingCall):
                tasks.create_task(echo(event.call))
                calls = None if calls is None else calls - 1
                if calls == 0:
                    break


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else None))
