"""What a reader hands over to the rules: the fields of its records as columns, and what it found beside them."""

from dataclasses import dataclass, field

import polars as pl

from schemas.canonical import ESCAPED
from schemas.fields import FIELDS
from transforms.canonical_columns import canonical_schema
from transforms.json.object_keys import KEYS

DEPTHS = pl.Schema({"record": pl.Int64(), "line": pl.Int64(), "path": pl.String(), "depth": pl.Int64()})
USERS = pl.Schema(
    {"record": pl.Int64(), "line": pl.Int64(), ESCAPED: pl.Boolean(), **canonical_schema(FIELDS)}
)  # per field the canonical columns of `schemas.canonical`


@dataclass(frozen=True)
class FieldValues:
    """The fields of records, and what else the records have."""

    users: pl.DataFrame = field(default_factory=USERS.to_frame)  # by record
    keys: pl.DataFrame = field(default_factory=KEYS.to_frame)  # under which no field is found, or which are repeated
    depths: pl.DataFrame = field(default_factory=DEPTHS.to_frame)  # of cells with JSON that may be nested too deeply


def sort_records(users: pl.DataFrame) -> pl.DataFrame:
    """Return the users by record; sorting takes long for many columns, so those that are sorted stay as they are."""
    return users if users["record"].is_sorted() else users.sort("record")


def may_be_escaped(text: pl.Expr) -> pl.Expr:
    """Return whether a JSON text may have an escape, or text that is not clean: it has a backslash, U+007F, U+FFFD or
    the first byte of all of U+0080 to U+009F."""
    return text.str.contains(r"\\|\x7f|\x{FFFD}") | text.cast(pl.Binary).bin.contains(b"\xc2")


def may_be_unclean(text: pl.Expr) -> pl.Expr:
    """Return whether a text has a backslash, with which JSON in it may have an escape, or is not clean."""
    return text.str.contains(r"[\\\x00-\x1f\x7f-\x{9F}\x{FFFD}]")
