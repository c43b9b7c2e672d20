"""How many calls a token may make, and how many failed sign-ins an address: a bucket each, in this process' memory."""

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from flows.api.problems import Problem, too_many_requests

MOST_BUCKETS = 10_000
FAILURES_PER_SECOND = 0.2
MOST_FAILURES = 20.0  # at once


@dataclass
class _Bucket:
    tokens: float
    filled_at: float


@dataclass
class Rates:
    """The buckets: each fills at a rate and empties by one with every call."""

    per_second: float = 50.0
    burst: float = 200.0
    clock: Callable[[], float] = time.monotonic
    _buckets: "OrderedDict[str, _Bucket]" = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, name: str) -> None:
        """Count a call of a token; raise `Problem` (429) if it has made too many."""
        if wait := self._take(f"token {name}", self.per_second, self.burst):
            raise self._problem(wait)

    def take_failure(self, address: str) -> None:
        """Count a failed sign-in; raise `Problem` (429) if the address has had too many."""
        if wait := self._take(f"address {address}", FAILURES_PER_SECOND, MOST_FAILURES):
            raise self._problem(wait)

    def _take(self, key: str, per_second: float, burst: float) -> float:
        """Take one from a bucket and return 0, or the seconds until there is one."""
        now = self.clock()
        with self._lock:
            bucket = self._buckets.pop(key, None) or _Bucket(burst, now)
            self._buckets[key] = bucket  # the latest is last
            if len(self._buckets) > MOST_BUCKETS:
                self._buckets.popitem(last=False)
            bucket.tokens = min(burst, bucket.tokens + (now - bucket.filled_at) * per_second)
            bucket.filled_at = now
            if bucket.tokens < 1:
                return (1 - bucket.tokens) / per_second
            bucket.tokens -= 1
        return 0.0

    def _problem(self, wait: float) -> Problem:
        seconds = math.ceil(wait)
        problem = too_many_requests("too many requests; the client has exceeded its rate", seconds=seconds)
        limits = {"limit": f"{self.burst:g}", "remaining": "0", "reset": str(math.ceil(time.time() + wait))}
        problem.headers = {
            **(problem.headers or {}),
            **{f"x-ratelimit-{name}": value for name, value in limits.items()},
        }
        return problem
