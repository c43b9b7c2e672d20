"""Find keys that an object of a JSON text has more than once, at any depth, by the text's shape: keys and brackets.

Texts from one source share few shapes, so each shape is scanned once.
"""

import json
import re
from collections import Counter
from dataclasses import dataclass, field

import polars as pl

from schemas.formats.text import check_once

REPEATED = pl.Schema({"shape": pl.String(), "parent": pl.String(), "key": pl.String(), "copies": pl.Int64()})
PIECES = r'"(?:[^"\\]|\\.)*":?|[{}\[\],]'  # a string, with its colon if it is a key, or punctuation
KEYS = r'"(?:[^"\\]|\\.)*":'


def find_repeats(texts: pl.DataFrame) -> pl.DataFrame:
    """Return the keys that an object has more than once: the columns of `texts` but `text`, `parent`, `key`, `copies`.

    `text` is compact JSON; `parent` is the object's path below the text's root, empty for the root.
    """
    shapes = texts.with_columns(shape=_shape(pl.col("text"))).drop("text")
    repeats = [(shape, *repeat) for shape in shapes["shape"].unique() for repeat in _scan(shape)]
    return shapes.join(pl.DataFrame(repeats, schema=REPEATED, orient="row"), on="shape").drop("shape")


def have_equal_keys(texts: pl.DataFrame) -> pl.DataFrame:
    """Return, per text of each column, whether a key occurs more than once, be it in different objects."""
    return texts.select(check_once(column, _repeat_keys) for column in texts)


def _repeat_keys(texts: pl.Series) -> pl.Series:
    keys = texts.str.extract_all(KEYS)
    return keys.list.n_unique() < keys.list.len()


def _shape(text: pl.Expr) -> pl.Expr:
    piece = pl.element()
    kept = piece.str.ends_with('":') | ~piece.str.starts_with('"')
    return text.str.extract_all(PIECES).list.eval(piece.filter(kept)).list.join("")


@dataclass
class _Level:
    """An object or array that is open while its shape is scanned."""

    path: str
    is_array: bool
    place: int = 0  # of the current item
    keys: Counter[str] = field(default_factory=Counter)
    key: str = ""  # of the current value

    @property
    def inner_path(self) -> str:
        """The path of the current value."""
        return f"{self.path}[{self.place}]" if self.is_array else f"{self.path}.{self.key}"


def _scan(shape: str) -> set[tuple[str, str, int]]:
    """Return the repeated keys of a shape: path of the object, key, copies."""
    repeats: set[tuple[str, str, int]] = set()
    levels: list[_Level] = []
    for piece in re.findall(PIECES, shape):
        if piece in "{[":
            levels.append(_Level(levels[-1].inner_path if levels else "", is_array=piece == "["))
        elif piece in "}]":
            level = levels.pop()
            repeats |= {(level.path, key, copies) for key, copies in level.keys.items() if copies > 1}
        elif piece == ",":
            levels[-1].place += 1
        else:
            levels[-1].key = json.loads(piece[:-1])
            levels[-1].keys[levels[-1].key] += 1
    return repeats
