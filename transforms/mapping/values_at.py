"""Read the values at the paths of a mapping from records that are JSON texts."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence

import duckdb
import polars as pl

from schemas.mapping.language import Pairs
from schemas.mapping.paths import Path
from transforms.json.values import query_texts

REST = "rest"  # column of the JSON object of everything that no path uses


def column_at(path: Path) -> str:
    """Return the name of the column with what is at the path."""
    return f"at {path.text}"


def read_values(
    texts: pl.DataFrame, paths: Iterable[Path], *, used: Iterable[Path], engine: duckdb.DuckDBPyConnection
) -> pl.DataFrame:
    """Replace `text` by a column for each path, named by it: the JSON text of its value, or a list of several.

    Beside them `rest` has what is left of the object without what the paths of `used` lead to. By record.
    """
    unique = {path.text: path for path in paths}
    single = [path for path in unique.values() if not path.is_many]
    patch = merge_patch(path.members for path in used)
    pointers = {"paths": [path.pointer for path in single], "used": json.dumps(patch), "emptied": [*_emptied(patch)]}
    read = query_texts("values_at", texts, engine=engine, values=pointers).sort("record")
    found = read.select(
        pl.exclude("found"),
        *(pl.col("found").list.get(i, null_on_oob=True).alias(column_at(p)) for i, p in enumerate(single)),
    )
    many = (_read_items(texts, path, engine=engine) for path in unique.values() if path.is_many)
    return pl.concat([found, *many], how="horizontal")


def open_pairs(texts: pl.DataFrame, pairs: Pairs, *, engine: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Return the texts with an array of names and values as an object."""
    names = [json.dumps(name, ensure_ascii=False) for name in pairs.at.members]
    values = {
        "path": f"{pairs.at.pointer}[*]",
        "name": pairs.name.pointer,
        "value": pairs.value.pointer,
        "before": "".join(f"{{{name}:" for name in names),
        "after": "}" * len(names),
    }
    opened = query_texts("pairs_opened", texts, engine=engine, values=values)
    return opened.sort("record").select(*texts.drop("text").columns, text="value")


def _read_items(texts: pl.DataFrame, path: Path, *, engine: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Return the values of a path to several, as a column of its name, by record."""
    values: dict[str, str] = {"path": path.pointer, "inside": path.inside, "key": "", "value": ""}
    if path.where is not None:
        values |= {"key": f"$.{json.dumps(path.where.key, ensure_ascii=False)}", "value": path.where.value}
    read = query_texts("items_at", texts.select("record", "text"), engine=engine, values=values)
    return read.sort("record").select(pl.col("items").alias(column_at(path)))


def merge_patch(used: Iterable[Sequence[str]]) -> Mapping[str, object]:
    """Return the patch (RFC 7396) that removes members, each given by the names on the way to it."""
    patch: dict[str, object] = {}
    for members in used:
        _remove(patch, members)
    return patch


def _emptied(patch: Mapping[str, object], outer: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield, from the innermost, each inner object that the patch may leave empty, and the patch that removes it."""
    for name, inner in patch.items():
        if isinstance(inner, dict):
            place = (*outer, name)
            yield from _emptied(inner, place)
            yield f"{Path('', place).pointer}\x1f{json.dumps(merge_patch([place]))}"


def _remove(patch: dict[str, object], members: Sequence[str]) -> None:
    for name in members[:-1]:
        inner = patch.setdefault(name, {})
        if not isinstance(inner, dict):  # a shorter path uses the whole object
            return
        patch = inner
    if members:
        patch[members[-1]] = None
