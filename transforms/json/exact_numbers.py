"""Keep numbers as they are written where DuckDB would write `1.50` as `1.5`, `-0` as `0` and `1e2` as `100.0`.

DuckDB only keeps the digits of whole numbers. So in the few texts that may have others, each of these is replaced by a
long whole number that encodes its characters, and put back afterwards.
"""

import re
from collections.abc import Callable

import polars as pl

# a number that is not written as DuckDB writes it, or that may have more digits than a double
SUSPECT = r"[:\[,]\s*(?:-0\s*[,\]}]|-?[0-9]+(?:\.[0-9]+)?[eE]|-?[0-9]+\.[0-9]+0\s*[,\]}]|-?[0-9][0-9.]{15})"
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*')
_CHARACTERS = "0123456789.eE+-"
_MARK = "9" * 24  # DuckDB keeps the digits of a number that has more than fit into 64 bits


def hide_numbers(text: pl.Expr) -> pl.Expr:
    """Return JSON texts with the numbers that DuckDB would write in another way encoded."""
    return _replace(text, SUSPECT, _hide)


def show_numbers(text: pl.Expr) -> pl.Expr:
    """Return JSON texts with encoded numbers as they were."""
    return _replace(text, _MARK, _show)


def _replace(text: pl.Expr, pattern: str, replace: Callable[[re.Match[str]], str]) -> pl.Expr:
    def replaced(texts: pl.Series) -> pl.Series:
        suspects = texts.filter(texts.str.contains(pattern)).unique()
        return texts.replace(suspects, [_TOKEN.sub(replace, suspect) for suspect in suspects])

    return text.map_batches(replaced, return_dtype=pl.String, is_elementwise=True)


def _hide(token: re.Match[str]) -> str:
    word = token[0]
    if word[0] == '"' or (len(word) < 16 and word.isdigit()):
        return word
    return _MARK + "".join(f"{_CHARACTERS.index(character):02}" for character in word)


def _show(token: re.Match[str]) -> str:
    word = token[0]
    digits = word[len(_MARK) :]
    pairs = range(0, len(digits), 2)
    return "".join(_CHARACTERS[int(digits[i : i + 2])] for i in pairs) if word.startswith(_MARK) else word
