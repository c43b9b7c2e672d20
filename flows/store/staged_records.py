"""Find the records of one user in a job's folder, and take them out of it; the records of others stay as they are."""

import json
from collections.abc import Iterator, Sequence
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
    find_records,
    match_columns,
    pattern_of_messages,
)

TEMPORARY = ".forgetting"  # the beginning of a file that is about to replace another
DETAILS = "traceback.txt"


def find_staged(folder: JobFolder, keys: UserKeys) -> list[int]:
    """Return the numbers of the user's records; raise `OSError` if a file cannot be read."""
    found: set[int] = set()
    for path in _parts(folder):
        found.update(_find_in_part(path, keys))
    return sorted(found)


def remove_staged(folder: JobFolder, records: Sequence[int], keys: UserKeys) -> None:
    """Take the records out of every file, and the user out of the messages about others.
    Raise `OSError` if a file cannot be replaced."""
    for path in _parts(folder):
        _remove_from_part(path, records, keys)
    temporary = chain.from_iterable(map(folder.path.glob, ("duckdb_temp*", f"{TEMPORARY}*")))
    for path in [*temporary, *_unfinished_parts(folder)]:
        path.unlink()
    details = folder.path / DETAILS
    if details.exists() and _is_named(details, keys):
        details.unlink()
    rewrite_json(folder.path / STATUS_FILE, keys)


def rewrite_json(path: Path, keys: UserKeys) -> None:
    """Replace the names of files and jobs in a JSON document that name the user."""
    try:
        text = path.read_text(encoding="utf-8")
        document = erase_names(json.loads(text), keys)
    except (FileNotFoundError, ValueError):
        return
    if document != json.loads(text):
        with atomic_write(path, temporary=path.with_name(f"{TEMPORARY}.json"), keep_owner=True) as temp:
            temp.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")


def erase_names(value: object, keys: UserKeys) -> object:
    """Return a JSON value whose texts do not name the user."""
    match value:
        case str():
            return erase_in_name(value, keys)
        case list():
            return [erase_names(item, keys) for item in value]
        case dict():
            return {name: erase_names(item, keys) for name, item in value.items()}
        case _:
            return value


def replace_user_in_messages(keys: UserKeys) -> pl.Expr:
    """Return the messages of errors without the user_id, where they are about a record of another user."""
    replaced = pl.col("message").str.replace_all(pattern_of_messages(keys), f"${{1}}{ERASED}${{2}}")
    return pl.when(pl.col("code").cast(pl.String).is_in(NAMING_CODES)).then(replaced).otherwise("message")


def _parts(folder: JobFolder) -> Iterator[Path]:
    """Yield the staged files; raise `OSError` if one cannot be read."""
    yield from (path for path in _parquet_files(folder) if _is_finished(path))


def _unfinished_parts(folder: JobFolder) -> Iterator[Path]:
    """Yield the files that a killed process began to write, which nothing can read."""
    yield from (path for path in _parquet_files(folder) if not _is_finished(path))


def _parquet_files(folder: JobFolder) -> list[Path]:
    return sorted(path for path in folder.path.iterdir() if path.suffix == ".parquet" and path.name[0] != ".")


def _is_finished(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(max(path.stat().st_size - 4, 0))
        return file.read() == b"PAR1"


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
    if "message" in part.collect_schema().names() and keys.user_id:
        message = replace_user_in_messages(keys)
        is_changed = message != pl.col("message")
        kept = kept.with_columns(message.alias("message"))
    removed, changed, rows = part.select(is_removed.sum(), is_changed.sum().alias("c"), pl.len()).collect().row(0)
    if removed == rows:
        path.unlink()
    elif removed or changed:
        fault_point("rewrite a staged file")
        with atomic_write(path, temporary=path.with_name(f"{TEMPORARY}.parquet"), keep_owner=True) as temp:
            kept.sink_parquet(temp, compression="lz4", statistics=False)


def _is_named(path: Path, keys: UserKeys) -> bool:
    text = path.read_text(encoding="utf-8", errors="replace")
    return bool(find_records(pl.DataFrame({"record": [1], "text": [text]}), keys))
