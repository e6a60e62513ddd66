from typing_extensions import Buffer, disjoint_base

@disjoint_base
class Encoder:
    def encode(self, pcm: Buffer) -> bytes: ...

@disjoint_base
class Decoder:
    def decode(self, codes: Buffer) -> bytes: ...
    def resume(self, missing: int, following: Buffer) -> None: ...
