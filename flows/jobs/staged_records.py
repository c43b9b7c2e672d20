"""Find the records of one user in a job's folder, and take them out of it; the records of others stay as they are."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

import polars as pl

from flows.store.fault_points import fault_point
from flows.store.job_folder import STATUS_FILE, JobFolder
from flows.store.private_files import atomic_write
from transforms.user_records import (
    ERASED,
    NAMING_CODES,
    UserKeys,
    erase_in_name,
    erase_names,
    find_records,
    is_named,
    match_columns,
    pattern_of_messages,
)

TEMPORARY = ".forgetting"  # the beginning of a file that is about to replace another
LEFTOVERS = ("duckdb_temp*", f"{TEMPORARY}*")
DETAILS = "traceback.txt"


def find_staged(folder: JobFolder, keys: UserKeys) -> list[int]:
    """Return the numbers of the user's records; raise `OSError` if a file cannot be read."""
    return sorted({*chain.from_iterable(_find_in_part(path, keys) for path, ended in _parts(folder) if ended)})


def remove_staged(folder: JobFolder, records: Sequence[int], keys: UserKeys) -> None:
    """Take the records out of every file, and the user out of the messages about others.
    Raise `OSError` if a file cannot be replaced."""
    for path, is_finished in _parts(folder):
        if is_finished:
            _remove_from_part(path, records, keys)
        else:
            path.unlink()  # a killed process began to write it, and nothing can read it
    for path in chain.from_iterable(map(folder.path.glob, LEFTOVERS)):
        path.unlink()
    details = folder.path / DETAILS
    if details.exists() and is_named(details.read_bytes(), keys):
        details.unlink()
    status = folder.read_status()
    write_json(folder.path / STATUS_FILE, status, erase_names(status, keys, of_user=bool(records)))


@contextmanager
def replace_file(path: Path) -> Iterator[Path]:
    """Yield the path of a file that replaces this one at the end of the block; the next run removes what is left."""
    fault_point("rewrite a file")
    with atomic_write(path, temporary=path.with_name(f"{TEMPORARY}{path.suffix}"), keep_owner=True) as temp:
        yield temp


def write_json(path: Path, before: Mapping[str, object], after: Mapping[str, object]) -> None:
    """Replace a JSON document that has changed."""
    if after != before:
        with replace_file(path) as temp:
            text = json.dumps(after, ensure_ascii=False, indent=2)
            temp.write_text(f"{text}\n", encoding="utf-8", errors="backslashreplace")


def replace_user_in_messages(keys: UserKeys) -> pl.Expr:
    """Return the messages of errors without the user_id, where they are about a record of another user."""
    if not keys.user_id:
        return pl.col("message")
    replaced = pl.col("message").str.replace_all(pattern_of_messages(keys), f"${{1}}{ERASED}${{2}}")
    return pl.when(pl.col("code").cast(pl.String).is_in(NAMING_CODES)).then(replaced).otherwise("message")


def _parts(folder: JobFolder) -> Iterator[tuple[Path, bool]]:
    """Yield the staged files and whether each is complete; raise `OSError` if one cannot be read."""
    for path in sorted(path for path in folder.path.iterdir() if path.suffix == ".parquet" and path.name[0] != "."):
        with path.open("rb") as file:
            file.seek(max(path.stat().st_size - 4, 0))
            yield path, file.read() == b"PAR1"


def _find_in_part(path: Path, keys: UserKeys) -> list[int]:
    part = pl.scan_parquet(path, glob=False)
    columns = part.collect_schema().names()
    if "email_key" in columns:
        return part.filter(match_columns(keys)).select("record").collect(engine="streaming")["record"].to_list()
    if "text" in columns:
        return find_records(part.select("record", "text").drop_nulls().collect(), keys)
    return []


def _remove_from_part(path: Path, records: Sequence[int], keys: UserKeys) -> None:
    part = pl.scan_parquet(path, glob=False)
    is_removed, is_changed = pl.col("record").is_in(list(records)), pl.lit(value=False)
    kept = part.filter(~is_removed)
    if "message" in part.collect_schema().names():
        files = part.select(pl.col("source").unique()).collect()["source"]
        renamed = {name: erase_in_name(name, keys, of_user=bool(records)) for name in files}
        new = {"message": replace_user_in_messages(keys), "source": pl.col("source").replace(renamed)}
        is_changed = pl.any_horizontal(column != pl.col(name) for name, column in new.items())
        kept = kept.with_columns(**new)
    removed, changed, rows = part.select(is_removed.sum(), is_changed.sum().alias("c"), pl.len()).collect().row(0)
    if removed == rows:
        path.unlink()
    elif removed or changed:
        with replace_file(path) as temp:
            kept.sink_parquet(temp, compression="lz4", statistics=False)
