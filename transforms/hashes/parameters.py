"""Read the hash parameters of a Firebase project from the text of a file, with all that is wrong with it by line.

The console shows them as `hash_config { algorithm: SCRYPT, base64_signer_key: …, … }`; the same as TOML or JSON, and
the names that its interfaces have, are read as well. No message repeats what the text has, which may be the key.
"""

import base64
import binascii
import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from schemas.hashing import FirebaseParameters, HashParameters

NAMES: Mapping[str, tuple[str, ...]] = {
    "algorithm": ("algorithm",),
    "base64_signer_key": ("base64_signer_key", "signer_key", "signerKey"),
    "base64_salt_separator": ("base64_salt_separator", "salt_separator", "saltSeparator"),
    "rounds": ("rounds",),
    "mem_cost": ("mem_cost", "memory_cost", "memCost", "memoryCost"),
}
MOST_SHOWN = 10  # of the problems of a text
MOST: Mapping[str, int] = {"rounds": 8, "mem_cost": 14}  # that Firebase takes
_NAME_OF = {spelling: name for name, spellings in NAMES.items() for spelling in spellings}
_PAIR = re.compile(r"""["']?([A-Za-z_]\w*)["']?[ \t]*[:=][ \t]*(?:"([^"\n]*)"|'([^'\n]*)'|([^\s,{}"'\[\]]+))""")
_AROUND = re.compile(
    r"""["']?(?:hash_?config|firebase|signIn)["']?\s*[:=]?\s*(?=\{)|^\s*\[(?:hash_?config|firebase)\]|#[^\n]*""",
    re.MULTILINE | re.IGNORECASE,
)
_REST = re.compile(r"[^\s{},]+")


@dataclass(frozen=True)
class Problem:
    """What is wrong, and the line; the last one for what is missing."""

    line: int
    sentence: str


class ParametersError(ValueError):
    """The text cannot be used, for all of these reasons."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        sentences = [f"line {problem.line}: {problem.sentence}" for problem in problems]
        more = [f"and {len(sentences) - MOST_SHOWN:,} more"] if len(sentences) > MOST_SHOWN else []
        super().__init__("; ".join(sentences[:MOST_SHOWN] + more))
        self.problems = problems


def parse_parameters(text: str) -> HashParameters:
    """Return the parameters; raise `ParametersError` with everything that is wrong with the text."""
    bare = _AROUND.sub(_blank, text)
    pairs = [
        (_line(bare, found.start()), found[1], next(filter(None, found.groups()[1:]), ""))
        for found in _PAIR.finditer(bare)
    ]
    known = [(line, _NAME_OF[name], value) for line, name, value in pairs if name in _NAME_OF]
    problems = [
        *_find_unread(bare),
        *_find_unknown(pairs),
        *_find_wrong(known),
        *_find_missing(known, _line(text.rstrip(), None)),
    ]
    if problems:
        raise ParametersError(tuple(sorted(problems, key=lambda problem: problem.line)))
    values = {name: value for _, name, value in known}
    key, separator = values["base64_signer_key"], values["base64_salt_separator"]
    return HashParameters(FirebaseParameters(key, separator, int(values["rounds"]), int(values["mem_cost"])))


def _blank(found: re.Match[str]) -> str:
    """Return nothing but the line breaks of what is taken out, for lines are counted afterwards."""
    return "\n" * found[0].count("\n")


def _line(text: str, end: int | None) -> int:
    return text[:end].count("\n") + 1


def _find_unread(text: str) -> Iterator[Problem]:
    rest = _PAIR.sub(lambda found: " " * len(found[0]), text)
    lines = sorted({_line(rest, found.start()) for found in _REST.finditer(rest)})
    yield from (Problem(line, "cannot be read; it must be `name: value` or `name = value`") for line in lines)


def _find_unknown(pairs: list[tuple[int, str, str]]) -> Iterator[Problem]:
    for line, name, _ in pairs:
        if name not in _NAME_OF:
            meant = difflib.get_close_matches(name, _NAME_OF, n=1, cutoff=0.7)
            suggestion = f"; did you mean {meant[0]}?" if meant else f"; the parameters are {', '.join(NAMES)}"
            yield Problem(line, f"the name is not that of a parameter{suggestion}")


def _find_wrong(known: list[tuple[int, str, str]]) -> Iterator[Problem]:
    seen: set[str] = set()
    for line, name, value in known:
        if name in seen:
            yield Problem(line, f"{name} is given a second time; give it once")
        elif (reason := _reason(name, value)) is not None:
            yield Problem(line, f"{name} {reason}")
        seen.add(name)


def _reason(name: str, value: str) -> str | None:
    """Return what is wrong with a value, if anything."""
    if name == "algorithm":
        return None if value.upper() == "SCRYPT" else "must be SCRYPT, which is what Firebase's export has"
    if name in MOST:
        is_right = re.fullmatch("[0-9]{1,3}", value, re.ASCII) and 1 <= int(value) <= MOST[name]
        return None if is_right else f"must be a whole number from 1 to {MOST[name]}"
    return None if _is_base64(value) else "is not base64, or is empty; copy the whole of it"


def _is_base64(value: str) -> bool:
    usual = value.replace("-", "+").replace("_", "/")
    try:
        return bool(base64.b64decode(usual, validate=True))
    except (binascii.Error, ValueError):
        return False


def _find_missing(known: list[tuple[int, str, str]], last_line: int) -> Iterator[Problem]:
    given = {name for _, name, _ in known}
    yield from (Problem(last_line, f"{name} is missing") for name in NAMES if name not in given and name != "algorithm")
