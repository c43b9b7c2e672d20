"""Paths of a mapping: where in a record a value is. Reading values by them is in `transforms.mapping.values_at`.

`a.b` is the member b of a, `a[0]` the first item, `a[]` every item, `a[type=password]` the items whose type is
password, `a.*` every value of an object. A name with a dot, a bracket, `=`, `*` or a quote in it stands in double
quotes.
"""

import json
import re
from dataclasses import dataclass
from enum import Enum
from functools import cached_property


class Every(Enum):
    """A step to several values."""

    ITEM = "[*]"
    VALUE = ".*"


@dataclass(frozen=True)
class Where:
    """A step to the items of an array whose member has a value; it can be the last step to several values only."""

    key: str
    value: str


Step = str | int | Every | Where
_NAME = r'"(?P<quoted>[^"]+)"|(?P<every>\*)|(?P<bare>[^.\[\]="*]+)'
_ITEM = r"\[(?:(?P<place>[0-9]{1,6})|(?P<key>[^=\[\]]+)=(?P<value>[^\[\]]*)|)\]"
_STEP = re.compile(rf"(?:(?P<dot>^|(?<=.)\.)(?:{_NAME})|(?<=.){_ITEM})")


@dataclass(frozen=True)
class Path:
    """A path as its text and as steps; it leads to one value or, with a step to several, to many."""

    text: str
    steps: tuple[Step, ...]

    @cached_property
    def is_many(self) -> bool:
        """Whether the path leads to several values."""
        return self._last_of_many >= 0

    @cached_property
    def pointer(self) -> str:
        """The DuckDB path to the one value, or to each of the values before any condition."""
        return _write(self.steps[: self._last_of_many + 1] if self.is_many else self.steps)

    @cached_property
    def where(self) -> Where | None:
        """The condition on the values, if there is one."""
        last = self.steps[self._last_of_many] if self.is_many else None
        return last if isinstance(last, Where) else None

    @cached_property
    def inside(self) -> str:
        """The DuckDB path from each of the values to what is taken of it."""
        return _write(self.steps[self._last_of_many + 1 :])

    @cached_property
    def members(self) -> tuple[str, ...]:
        """The names of the members on the way, up to the first array, which a path takes whole."""
        place = next((i for i, step in enumerate(self.steps) if not isinstance(step, str)), len(self.steps))
        return tuple(str(step) for step in self.steps[:place])

    @property
    def items(self) -> "Path":
        """The path to every item of the array that this path leads to."""
        return Path(f"{self.text}[]", (*self.steps, Every.ITEM))

    @property
    def column(self) -> str:
        """The path as the name of a column of a table, which can have dots."""
        return str(self.steps[0]) if len(self.steps) == 1 else self.text

    @property
    def _last_of_many(self) -> int:
        many = [place for place, step in enumerate(self.steps) if isinstance(step, (Every, Where))]
        return many[-1] if many else -1


def parse_path(text: str) -> Path:
    """Return the path that a text says; raise `ValueError` with a sentence if it says none."""
    steps: list[Step] = []
    position = 0
    while position < len(text):
        found = _STEP.match(text, position)
        if found is None or (found["bare"] and found["bare"] != found["bare"].strip()):
            raise ValueError(f"{text!r} is not a path; write a.b for a member, a[0] for an item and a[] for every item")
        steps.append(_read(found))
        position = found.end()
    if not steps:
        raise ValueError("must not be empty; write the name of a member, such as email or profile.email")
    if any(
        isinstance(step, Where) and any(isinstance(s, (Every, Where)) for s in steps[place + 1 :])
        for place, step in enumerate(steps)
    ):
        raise ValueError(f"{text!r} has a condition before another step to several values; only the last can have one")
    return Path(text, tuple(steps))


def column_path(name: str) -> Path:
    """Return the path to a column of a table."""
    return Path(name, (name,))


def _read(found: re.Match[str]) -> Step:
    if found["every"]:
        return Every.VALUE
    if found["dot"] is not None:
        return str(found["quoted"] or found["bare"])
    if found["place"]:
        return int(found["place"])
    return Where(found["key"].strip(), found["value"].strip()) if found["key"] else Every.ITEM


def _write(steps: tuple[Step, ...]) -> str:
    return "$" + "".join(map(_write_step, steps))


def _write_step(step: Step) -> str:
    match step:
        case int():
            return f"[{step}]"
        case str():
            return f".{json.dumps(step, ensure_ascii=False)}"
        case Every():
            return step.value
        case Where():
            return Every.ITEM.value
