"""However sources are cut, what is staged of them is the same; a quick part of the cuts that whole jobs are tried with.

Slices are cut, loaded and gathered as ever, but in this process.
"""

import random
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import polars as pl
import pytest

from flows.pipeline.instructions.read import NO_INSTRUCTIONS
from flows.pipeline.job import Observer, accept_job
from flows.pipeline.load import open_sources
from flows.pipeline.slices import gather
from flows.pipeline.slices.gather import load_slices
from flows.pipeline.staging import KINDS, Context, Tally, checked_batches, open_context, stage_batches
from flows.pipeline.stop import Stop
from flows.settings import Settings
from flows.store.database import Store, scratch
from schemas.connection import ConnectionSettings
from schemas.options import JobOptions
from tests.flows.importing import new_id
from tests.flows.pipeline.slices.in_this_process import InThisProcess
from tests.flows.pipeline.slices.test_gather import write_lines

CUTS = 10  # of each combination of sources


def stage(folder: Path, paths: Sequence[Path], load: Callable[[Context], Tally | None]) -> dict[str, object]:
    """Return what is counted and staged of the sources."""
    settings = Settings(database=folder / "users.duckdb")
    options, job_id = JobOptions(sources=tuple(map(str, paths))), new_id()
    stop = Stop.for_job(settings, job_id=job_id)
    job = accept_job(options, store=Store(settings), stop=stop, observer=Observer(), job_id=job_id)
    job.folder.create()
    with closing(scratch(settings, spill=job.folder.path)) as engine, open_sources(job) as sources:
        context = open_context(
            job, sources, engine=engine, connection=ConnectionSettings(), instructions=NO_INSTRUCTIONS
        )
        tally = load(context)
    assert tally is not None
    counts = {**asdict(tally), "stored_warnings": None, "profiles": context.profiles, "layouts": job.folder.layouts()}
    parts = {kind: job.folder.parts(kind) for kind in (*KINDS, "rejected")}
    frames = {kind: pl.concat(map(pl.read_parquet, found)) for kind, found in parts.items() if found}
    frames["errors"] = frames["errors"].sort(pl.all())  # those of a batch have no order
    rows = {kind: frame.to_dicts() for kind, frame in frames.items()}
    return {**counts, **rows, "blank": [skipped.blank_lines for skipped in context.skipped]}


def write_table(path: Path) -> Path:
    """Write CSV, which is not cut: trimmed rows and refused ones."""
    path.write_text("email,name\n" + "".join(f" u{n}@example.com,{n}\n" if n % 5 else ",\n" for n in range(50)))
    return path


@pytest.mark.parametrize(
    "table",
    [
        pytest.param(None, marks=pytest.mark.slow, id="lines"),
        pytest.param(0, marks=pytest.mark.slow, id="a table first"),
        pytest.param(1, id="a table between"),
    ],
)
def test_random_cuts_stage_what_the_whole_stages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, table: int | None
) -> None:
    paths = [write_lines(tmp_path / f"{n}.ndjson", records=10 + 30 * n, seed=n) for n in range(2)]
    if table is not None:
        paths.insert(table, write_table(tmp_path / "table.csv"))
    expected = stage(tmp_path, paths, lambda context: stage_batches(context, checked_batches(context)))
    assert {"accepted", "errors", "refused", "rejected"} < expected.keys()
    pick = random.Random(table)  # noqa: S311 - places to cut
    for _ in range(CUTS):
        monkeypatch.setattr(gather, "SLICE_BYTES", pick.randrange(2000, 6000))
        assert stage(tmp_path, paths, lambda context: load_slices(context, InThisProcess(1))) == expected
