"""Put what was staged of a slice into the job's folder, with the numbers that its records have in the job."""

from pathlib import Path

import polars as pl

from flows.pipeline.slices.worker import Manifest
from flows.pipeline.staging import KINDS, Tally
from flows.store.job_folder import JobFolder
from transforms.stored_warnings import limit_warnings

PARTS_OF_SLICE = 1_000_000  # numbers of staged parts that each slice has to itself


def adopt_slice(folder: JobFolder, manifest: Manifest, *, offset: int, tally: Tally, place: int) -> None:
    """Adopt the parts of a slice and count them; `offset` is added to the numbers of its records."""
    attempt = JobFolder(Path(manifest.path))
    for kind in (*KINDS, "rejected"):
        for count, part in enumerate(attempt.parts(kind)):
            _adopt_part(folder, part, kind, manifest.number * PARTS_OF_SLICE + count, offset=offset, tally=tally)
    tally.rows += manifest.rows
    tally.others += manifest.others
    tally.seen_by_source[place] += manifest.seen
    tally.bytes += manifest.bytes
    tally.refused += manifest.refused
    tally.warnings += manifest.warnings
    tally.errors_by_code.update(manifest.errors_by_code)


def _adopt_part(folder: JobFolder, part: Path, kind: str, number: int, *, offset: int, tally: Tally) -> None:
    """Link a part, which later attempts replace, or write it anew where its numbers change or warnings are too many."""
    if kind != "errors" and not offset:
        folder.link_part(kind, number, part)
        return
    frame = pl.read_parquet(part).with_columns(pl.col("record") + offset)
    kept = limit_warnings(frame, stored=tally.stored_warnings) if kind == "errors" else frame
    if offset or kept.height < frame.height:
        folder.write_part(kind, number, kept)
    else:
        folder.link_part(kind, number, part)
