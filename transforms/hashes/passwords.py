"""Hash plain-text passwords by Argon2id, so that only the hash goes on."""

import json
import os
from concurrent.futures import ThreadPoolExecutor

import polars as pl

MEMORY_KIB, PASSES, LANES = 19_456, 2, 1  # the least that OWASP's cheat sheet for the storage of passwords recommends
SALT_BYTES = 16
KEY_BYTES = 32


def hash_passwords(texts: pl.Series) -> pl.Series:
    """Return the JSON of a `custom_password_hash` for each text, null for null.

    Each has a salt of its own, also where texts are equal: nobody may see who has the same password. The hashes are
    computed in as many threads as there are processors, each with 19 MiB.
    """
    with ThreadPoolExecutor(os.cpu_count() or 1) as threads:
        return pl.Series(texts.name, [*threads.map(_hash_password, texts)], dtype=pl.String)


def _hash_password(password: str | None) -> str | None:
    if password is None:
        return None
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id  # noqa: PLC0415 - only jobs with passwords need it

    function = Argon2id(
        salt=os.urandom(SALT_BYTES), length=KEY_BYTES, iterations=PASSES, lanes=LANES, memory_cost=MEMORY_KIB
    )
    value = function.derive_phc_encoded(password.encode())
    return json.dumps({"algorithm": "argon2", "hash": {"value": value, "encoding": "utf8"}}, separators=(",", ":"))
