"""Say in the errors of mapped records from what in the file a field was read."""

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:  # which loads Pydantic
    from schemas.mapping.language import Mapping


MOST_PATHS = 3  # of one field


def name_origins(errors: pl.DataFrame, mapping: "Mapping") -> pl.DataFrame:
    """Return the errors; where a field has another name in the file, the message ends with it."""
    origins = {
        name: f"; read from {' or '.join(paths[:MOST_PATHS])}"
        for name, rules in mapping.fields.items()
        if (paths := [path.text for rule in rules for path in rule.at]) and paths != [name]
    }
    if errors.is_empty() or not origins:
        return errors
    field = pl.col("path").str.extract(r"^([a-z_]+)")
    origin = field.replace_strict(origins, default="", return_dtype=pl.String)
    is_error = pl.col("severity") == "error"
    return errors.with_columns(message=pl.when(is_error).then(pl.concat_str("message", origin)).otherwise("message"))
