# ruff: noqa: E501 - the lines of pages are as long as they are
"""The lines about a job that runs or ends: true at every moment, and without an e-mail address."""

import logging
from dataclasses import replace

from inline_snapshot import snapshot

from flows.pipeline.job import Progress
from flows.report import run_lines
from flows.report.prefect import drop_empty_traceback
from schemas.job import JobStatus
from tests.flows.report.test_artifacts import FAILED, OPTIONS, SUMMARY


def test_progress_has_the_phase_and_of_the_loading_percent_speed_and_time_left() -> None:
    progress = Progress(rows=420_000, done_bytes=42, total_bytes=100, seconds=8.4)
    loaded = replace(progress, done_bytes=100)
    cases = [("starting", None), ("loading", None), ("loading", progress), ("loading", replace(progress, done_bytes=0))]
    cases += [("loading", loaded), ("planning", loaded), ("merging", loaded)]
    shown = [(run_lines.percent_of(phase, now), run_lines.format_progress(phase, now)) for phase, now in cases]
    assert shown == snapshot(
        [
            (0.0, "starting"),
            (0.0, "loading"),
            (42.0, "loading 42 %, 420,000 rows, 50,000 rows/s, 12 s left"),
            (0.0, "loading 0 %, 420,000 rows, 50,000 rows/s"),
            (97.0, "loading 100 %, 420,000 rows, 50,000 rows/s, 0 s left"),
            (98.0, "planning 420,000 rows"),
            (99.0, "merging"),
        ]
    )
    assert run_lines.format_phase("merge", is_dry_run=True) == "recording the plan of"


def test_progress_ends_with_the_result_and_never_in_the_middle_of_a_phase() -> None:
    progress = Progress(rows=420_000, done_bytes=42, total_bytes=100, seconds=8.4)
    canceled = replace(FAILED, status=JobStatus.CANCELED)
    ends = [run_lines.format_end(summary, "loading", progress) for summary in (SUMMARY, FAILED, canceled)]
    ends.append(run_lines.format_end(canceled, "merging", progress))
    assert [*ends, run_lines.format_end(SUMMARY, "starting", None, is_repeat=True)] == snapshot(
        [
            "done 100 %: 10 inserted, 2 updated, 0 unchanged, 3 failed of 15",
            "failed while loading at 42 %: users.json ends at byte 7 after a***@*** (FILE_SYNTAX)",
            "canceled while loading at 42 %: users.json ends at byte 7 after a***@*** (FILE_SYNTAX)",
            "canceled while merging: users.json ends at byte 7 after a***@*** (FILE_SYNTAX)",
            "done 100 %: already imported by job 11111111-2222-4333-8444-555555555555: 10 inserted, 2 updated, 0 unchanged, 3 failed of 15",
        ]
    )


def test_log_lines_have_the_job_its_files_its_result_and_what_to_do() -> None:
    options = OPTIONS.model_copy(update={"sources": tuple(f"/in/{number}.csv" for number in range(7)), "dry_run": True})
    lines = [run_lines.format_start(options, "j-1"), *map(run_lines.format_log_line, (SUMMARY, FAILED))]
    assert [*lines, run_lines.format_log_line(SUMMARY, is_repeat=True)] == snapshot(
        [
            "job j-1: 0.csv, 1.csv, 2.csv, 3.csv, 4.csv and 2 more into connection crm-eu, mode upsert, dry run",
            "completed with errors in 75.2 s: 10 inserted, 2 updated, 0 unchanged, 3 failed of 15",
            "failed in 75.2 s: users.json ends at byte 7 after a***@*** (FILE_SYNTAX); cut there",
            "completed with errors: already imported by job 11111111-2222-4333-8444-555555555555: 10 inserted, 2 updated, 0 unchanged, 3 failed of 15",
        ]
    )


def test_a_task_that_returns_a_failed_state_is_logged_without_an_empty_traceback() -> None:
    logger = logging.getLogger("prefect.task_runs")
    assert drop_empty_traceback in logger.filters
    record = logger.makeRecord("n", logging.ERROR, "f", 1, "Task run failed", (), (None, None, None))
    assert logger.filter(record)
    assert logging.Formatter().format(record) == "Task run failed"
    failure = ValueError("x")
    kept = logger.makeRecord("n", logging.ERROR, "f", 1, "m", (), (ValueError, failure, None))
    assert logger.filter(kept)
    assert "ValueError: x" in logging.Formatter().format(kept)
