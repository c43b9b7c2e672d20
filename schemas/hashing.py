"""temporary"""

from dataclasses import dataclass


@dataclass(frozen=True)
class HashParameters:
    x: str = ""


@dataclass(frozen=True)
class Hashing:
    parameters: HashParameters | None = None
    hashes_plain: bool = False


NO_HASHING = Hashing()
