"""Language tags (BCP 47): well-formed by the grammar of RFC 5646, in any case.

Whether subtags are registered is left open. The pattern is for Rust's engine (linear time, no look-around, `$` is the
end of the text) and for that of JSON Schema, which has no flags in a pattern.
"""

import polars as pl

_LETTER, _DIGIT, _EITHER = "[A-Za-z]", "[0-9]", "[A-Za-z0-9]"
_LANGUAGE = rf"(?:{_LETTER}{{2,3}}(?:-{_LETTER}{{3}}){{0,3}}|{_LETTER}{{4,8}})"
_SCRIPT = rf"(?:-{_LETTER}{{4}})?"
_REGION = rf"(?:-(?:{_LETTER}{{2}}|{_DIGIT}{{3}}))?"
_VARIANTS = rf"(?:-(?:{_EITHER}{{5,8}}|{_DIGIT}{_EITHER}{{3}}))*"
_EXTENSIONS = rf"(?:-[0-9A-WY-Za-wy-z](?:-{_EITHER}{{2,8}})+)*"
_PRIVATE_USE = rf"[Xx](?:-{_EITHER}{{1,8}})+"
_LANGTAG = f"{_LANGUAGE}{_SCRIPT}{_REGION}{_VARIANTS}{_EXTENSIONS}(?:-{_PRIVATE_USE})?"
_IRREGULAR = (
    "en-gb-oed i-ami i-bnn i-default i-enochian i-hak i-klingon i-lux i-mingo i-navajo i-pwn i-tao i-tay i-tsu"
    " sgn-be-fr sgn-be-nl sgn-ch-de"
)


def _in_any_case(words: str) -> str:
    return "|".join("".join(f"[{c.upper()}{c}]" if c.isalpha() else c for c in word) for word in words.split())


LANGUAGE_TAG = rf"^(?:{_LANGTAG}|{_PRIVATE_USE}|{_in_any_case(_IRREGULAR)})$"


def is_language_tag(text: pl.Expr) -> pl.Expr:
    """Return whether the text is a well-formed language tag."""
    return text.str.contains(LANGUAGE_TAG)
