"""Read LDIF (RFC 2849): the entries in lines, each as a JSON object whose members are arrays of the values.

The name of an entry, `dn`, is a text. An entry whose lines cannot be read is marked; binary values are left out.
"""

from dataclasses import dataclass

import polars as pl

from schemas.ldap import ATTRIBUTES, BINARY, GUID, NOT_ENTRIES
from transforms.json.encoding import encode_string

DN, CHANGE = "dn", "changetype"
LINE = r"^([^:\s][^:]*):([:<]?) *"
GUID_BYTES = 16
NAMES = {name.lower(): name for name in (DN, *ATTRIBUTES)}


@dataclass(frozen=True)
class Entries:
    """The entries (line: the first; text: JSON, or the lines that cannot be read; is_readable), and their binary values
    (line of the entry, name)."""

    entries: pl.DataFrame
    binary: pl.DataFrame


def read_entries(lines: pl.DataFrame) -> Entries:
    """Return the entries of physical lines with `line` and `text`, which is null where a line is not UTF-8."""
    values = _read_values(_unfold(lines))
    written = values.filter(pl.col("value").is_not_null()).group_by("entry", "name", maintain_order=True)
    is_dn = pl.col("name") == DN
    items = (
        pl.when(is_dn)
        .then(pl.col("values").list.first())
        .otherwise(pl.concat_str(pl.lit("["), pl.col("values").list.join(","), pl.lit("]")))
    )
    members = written.agg(values=encode_string(pl.col("value"))).select(
        "entry", member=pl.concat_str(encode_string(pl.col("name")), pl.lit(":"), items)
    )
    objects = members.group_by("entry").agg(object=pl.col("member").str.join(","))
    entries = values.group_by("entry", maintain_order=True).agg(
        pl.col("line").first(),
        lines=pl.col("text").str.join("\n"),
        is_readable=pl.col("is_read").all() & (pl.col("name") == DN).any(),
        is_entry=~pl.col("name").str.to_lowercase().is_in(NOT_ENTRIES).fill_null(value=False).any()
        | (pl.col("name") == DN).any(),
    )
    joined = entries.filter("is_entry").join(objects, on="entry", how="left", maintain_order="left")
    json = pl.concat_str(pl.lit("{"), "object", pl.lit("}"))
    text = pl.when("is_readable").then(json).otherwise("lines")
    first = joined.select("entry", entry_line="line")
    binary = values.filter("is_binary").join(first, on="entry").select(line="entry_line", name="name")
    return Entries(joined.select("line", text.alias("text"), "is_readable"), binary)


def _unfold(lines: pl.DataFrame) -> pl.DataFrame:
    """Return the logical lines of entries, with a number for each entry; comments are not part of them."""
    text, is_more = pl.col("text"), pl.col("text").str.starts_with(" ").fill_null(value=False)
    parts = lines.with_columns(part=pl.when(is_more).then(text.str.slice(1)).otherwise(text))
    whole = parts.group_by((~is_more).cum_sum().alias("logical"), maintain_order=True).agg(
        pl.col("line").first(),
        text=pl.when(pl.col("part").is_null().any()).then(None).otherwise(pl.col("part").str.join("")),
    )
    numbered = whole.with_columns(entry=(text == "").fill_null(value=False).cum_sum())
    is_content = (text != "") & ~text.str.starts_with("#")
    return numbered.filter(is_content.fill_null(value=True))


def _read_values(lines: pl.DataFrame) -> pl.DataFrame:
    """Return the lines with the name and value of an attribute; null where it is binary, or the line cannot be read."""
    split = _split(lines.filter((pl.col("text") != "-").fill_null(value=True)))
    is_text = (pl.col("mark") == ":") & ~pl.col("is_bytes") & ~pl.col("is_guid")
    decoded = split.select(bytes=pl.when(is_text).then("bytes")).to_series()
    value = (
        pl.when("is_guid")
        .then(_write_guid(pl.col("bytes").bin.encode("hex")))
        .when(is_text)
        .then(_decode(decoded))
        .when((pl.col("mark") == "") & ~pl.col("is_bytes"))
        .then("given")
    )
    is_read = pl.col("name").is_not_null() & ((pl.col("mark") != ":") | pl.col("bytes").is_not_null())
    is_version = (pl.col("name").str.to_lowercase() == "version") & pl.col("entry").is_first_distinct()
    read = split.with_columns(value=pl.when(~is_version.fill_null(value=False)).then(value), is_read=is_read)
    return read.with_columns(is_binary=is_read & pl.col("value").is_null() & ~is_version)


def _split(lines: pl.DataFrame) -> pl.DataFrame:
    """Return the lines with name, mark (of base64 or a URL), and what is given, of base64 as bytes."""
    text = pl.col("text")
    full = text.str.extract(LINE, 1)
    name = full.str.replace(r"(?i);binary$", "")
    encoded = pl.when(text.str.extract(LINE, 2) == ":").then(text.str.replace(LINE, "").str.strip_chars_end())
    split = lines.with_columns(
        name=name.str.to_lowercase().replace_strict(NAMES, default=name, return_dtype=pl.String),
        mark=text.str.extract(LINE, 2),
        given=text.str.replace(LINE, ""),
        bytes=encoded.str.decode("base64", strict=False),
        is_bytes=(full != name) | name.str.to_lowercase().is_in(BINARY),
    )
    is_guid = (pl.col("name") == GUID) & (pl.col("bytes").bin.size() == GUID_BYTES)
    return split.with_columns(is_guid=is_guid.fill_null(value=False))


def _decode(data: pl.Series) -> pl.Series:
    """Return bytes as text, null where they are not UTF-8."""
    try:
        return data.cast(pl.String)
    except pl.exceptions.ComputeError:  # some of them are not
        texts = [None if value is None else _decode_one(value) for value in data]
        return pl.Series(data.name, texts, dtype=pl.String)


def _decode_one(value: bytes) -> str | None:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return None


def _write_guid(hexes: pl.Expr) -> pl.Expr:
    """Return the text of a GUID, whose first three numbers are stored from their last byte on."""
    first = [hexes.str.slice(place, 2) for place in (6, 4, 2, 0)]
    second, third = ([hexes.str.slice(place, 2) for place in places] for places in ((10, 8), (14, 12)))
    dash = pl.lit("-")
    return pl.concat_str(*first, dash, *second, dash, *third, dash, hexes.str.slice(16, 4), dash, hexes.str.slice(20))
