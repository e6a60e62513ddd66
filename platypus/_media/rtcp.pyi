from typing import Any

from typing_extensions import Buffer

def parse(data: Buffer, ours: int = 0) -> dict[str, Any] | None: ...
