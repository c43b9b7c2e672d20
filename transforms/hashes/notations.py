"""Convert bytes that are written as text from one notation to another; null where they are not in that notation."""

from typing import Literal

import polars as pl

# padded: base64 of a program that always pads; ab64: base64 with . for + and without padding, as passlib writes it
Notation = Literal["base64", "padded", "ab64", "hex", "text"]


def to_base64(text: pl.Expr, notation: Notation) -> pl.Expr:
    """Return the bytes in base64 of the usual alphabet, without padding. What is base64 already is not decoded."""
    match notation:
        case "text":
            return _strip(text.cast(pl.Binary).bin.encode("base64"))
        case "hex":
            return _strip(text.str.decode("hex", strict=False).bin.encode("base64"))
        case "padded":
            return pl.when(text.str.len_bytes() % 4 == 0).then(to_base64(text, "base64"))
        case _:
            usual = text.str.replace_many(["-", "_", "."] if notation == "ab64" else ["-", "_"], _REPLACED[notation])
            return _strip(usual)


def to_hex(text: pl.Expr) -> pl.Expr:
    """Return the bytes of padded base64 in hex."""
    return decode_base64(text).bin.encode("hex")


def decode_base64(text: pl.Expr) -> pl.Expr:
    """Return the bytes of padded base64, of either alphabet."""
    usual = text.str.replace_many(["-", "_"], ["+", "/"])
    return usual.str.decode("base64", strict=False)


def count_bytes(base64: pl.Expr) -> pl.Expr:
    """Return the number of bytes of base64 without padding."""
    return base64.str.len_bytes().cast(pl.Int64) * 3 // 4


_REPLACED = {"base64": ["+", "/"], "ab64": ["+", "/", "+"]}


def _strip(base64: pl.Expr) -> pl.Expr:
    """Return the text without its padding; half of a padding stays, for the rules to refuse."""
    is_whole = base64.str.len_bytes() % 4 == 0
    return pl.when(is_whole).then(base64.str.strip_chars_end("=")).otherwise(base64)
