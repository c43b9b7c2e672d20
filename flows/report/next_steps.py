"""What to do after a job, with the values filled in: commands that work as printed, and deployments that do the same.

How a step is shown is in `flows.report.artifacts`; the deployments are those of `prefect.yaml`. The path of a database
is an absolute one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from flows.readers.sources import WRITABLE
from flows.settings import format_command, format_import
from schemas.job import DONE, JobStatus, JobSummary
from schemas.mapping.names import vendor_profiles
from schemas.options import JobOptions

IMPORT, UNDO, REJECTS = "import-users", "undo", "rejects"  # names of deployments
STDIN = "-"
AS_WRITTEN = {
    "format": "auto",
    "encoding": "utf-8",
    "sheet": None,
}  # a file of refused records, whatever its source was


@dataclass(frozen=True)
class Step:
    """Something to do next: by a command, or by a run of a deployment with these parameters."""

    what: str
    command: str
    deployment: str | None = None
    parameters: Mapping[str, object] = field(default_factory=dict)


def steps_after_import(
    summary: JobSummary, *, options: JobOptions, database: Path, is_repeat: bool = False
) -> list[Step]:
    """Return what to do after an import; `is_repeat` means that an earlier job had imported the same."""
    return [*_after_repeat(summary, options, database)] if is_repeat else [*_after_job(summary, options, database)]


def steps_after_undo(summary: JobSummary, *, database: Path) -> list[Step]:
    """Return what to do after an undo."""
    undone = summary.sources[0]
    if summary.dry_run:
        return [_undo(undone, database, what="Undo the job")] if summary.updated else []
    steps = [_see_errors(summary, database, what="List why users were kept")] if summary.failed else []
    if summary.status in DONE and summary.updated:
        steps.append(_undo(summary.job_id, database, what="Take the undo back"))
    return steps


def steps_after_rejects(options: JobOptions, *, profile: str, database: Path) -> list[Step]:
    """Return what to do with a file of refused records, which is the source of the options, read by the profile."""
    fixed = _again(options, **AS_WRITTEN, **_name_profile(options, profile))
    return [_import("Correct the file, then import it", fixed, database)]


def _name_profile(options: JobOptions, profile: str) -> dict[str, str]:
    """Return the profile of another system as an option: few records may not show which it is."""
    return {"profile": profile} if profile in vendor_profiles() and options.mapping is None else {}


def _after_repeat(summary: JobSummary, options: JobOptions, database: Path) -> Iterator[Step]:
    yield Step("See the earlier job", format_command("jobs", "status", summary.job_id, database=database))
    yield _import("Import the sources all the same", _again(options, again=True), database)


def _after_job(summary: JobSummary, options: JobOptions, database: Path) -> Iterator[Step]:
    has_merged = summary.status in DONE and not summary.dry_run
    if summary.errors_by_code:
        file = f"fix{_ending_of(options.shown_sources[0])}"
        yield Step(
            "Write the refused records to a file to correct",
            format_command("jobs", "rejects", summary.job_id, "-o", file, database=database),
            REJECTS,
            {"job": summary.job_id, "database": str(database)},
        )
        fixed = _again(
            options, sources=(file,), external_id=None, **AS_WRITTEN, **_name_profile(options, summary.profile)
        )
        yield _import("Correct that file, then import it", fixed, database, is_on_page=False)
        yield _see_errors(summary, database, what="List all errors")
    if summary.dry_run and summary.status in DONE:
        exactly = format_command("jobs", "apply", summary.job_id, database=database)
        yield Step("Carry the plan out exactly as it is shown", exactly)
        yield _import(
            "Import the sources, whatever has changed since", _again(options, dry_run=False, plan=None), database
        )
    if summary.status not in DONE:
        what = "Run it again" if summary.status is JobStatus.CANCELED else "Run it again once the cause is removed"
        yield _import(what, options, database)
    if has_merged and (summary.inserted or summary.updated):
        yield Step(
            "See what changed, field by field", format_command("jobs", "diff", summary.job_id, database=database)
        )
        yield _undo(summary.job_id, database, what="Put the users back as they were")


def _see_errors(summary: JobSummary, database: Path, *, what: str) -> Step:
    return Step(what, format_command("jobs", "errors", summary.job_id, database=database))


def _undo(job_id: str, database: Path, *, what: str) -> Step:
    parameters = {"job": job_id, "dry_run": False, "database": str(database)}
    return Step(what, format_command("jobs", "undo", job_id, database=database), UNDO, parameters)


def _again(options: JobOptions, **changes: object) -> JobOptions:
    """Return the options of another import of the kind; a dry run and a plan are asked for anew."""
    return options.model_copy(update={"again": False, "dry_run": False, "plan": None, **changes})


def _import(what: str, options: JobOptions, database: Path, *, is_on_page: bool = True) -> Step:
    """Return an import with every option that differs from its default; from standard input only as a command."""
    given = options.model_dump(mode="json", exclude_defaults=True) | {"sources": [*options.shown_sources]}
    is_on_page = is_on_page and STDIN not in options.sources
    return Step(
        what,
        format_import(options, database=database),
        IMPORT if is_on_page else None,
        {**given, "database": str(database)} if is_on_page else {},
    )


def _ending_of(source: str) -> str:
    """Return the ending of a source by which refused records keep its format."""
    return next((ending for ending in reversed(Path(source.lower()).suffixes) if ending in WRITABLE), ".csv")
