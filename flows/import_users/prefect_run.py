"""One job inside a flow run: its stages as tasks, its signals, and what Prefect shows of its end.

The flow with its parameters is in `flows.import_users.flow`; the calls to Prefect are in `flows.report.prefect`.
"""

from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from prefect import get_run_logger, task
from prefect.client.schemas.objects import FlowRun, State
from prefect.states import Cancelled, Completed, Failed

from flows.pipeline.job import Observer
from flows.pipeline.run import run_job
from flows.pipeline.stop import A_SIGNAL, Stop, canceled_by, on_signals
from flows.report.artifacts import SHOWN_ERRORS, ErrorRow, mask_emails
from flows.report.deadline import call_within, in_thread
from flows.report.next_steps import steps_after_import
from flows.report.planned_rows import read_planned_rows
from flows.report.prefect import PrefectObserver, RunPage, is_stopped, write_page
from flows.report.run_lines import format_start
from flows.settings import Settings
from flows.store.database import Store
from flows.store.job_folder import LOCK_FILE, JobFolder
from schemas.faults import Canceled, DatabaseFault, Fault
from schemas.job import JobSummary
from schemas.options import JobOptions
from transforms.statements import run_mapped

Result = TypeVar("Result")
PREFECT = "Prefect"
ANSWER_SECONDS = 2.0  # for Prefect to say whether it cancelled the run
REPORT_SECONDS = 15.0  # for the labels and artifacts of a job that has ended; a local run gives up earlier


def run_job_in_flow(
    options: JobOptions,
    *,
    settings: Settings,
    run: FlowRun,
    job_id: str,
    terminal: Observer,
    stop: Stop,
    on_end: Callable[[JobSummary], None],
    on_lost: Callable[[JobSummary], None],
) -> JobSummary:
    """Run the job that the flow run is, call `on_end` once it has ended, and return its summary; signals and Prefect
    can cancel it. Call `on_lost` with each job that is found to be lost. Raise a `Fault` if no job could begin."""
    log = get_run_logger()
    log.info(format_start(options, job_id))
    observer = PrefectObserver(
        run.id,
        job_id,
        request_stop=partial(stop.request, canceled_by(PREFECT)),
        is_gone=partial(_is_gone, settings),
        terminal=terminal,
        log=log,
        is_dry_run=options.dry_run,
    )
    on_signal = partial(stop_by_signal, stop, partial(is_stopped, run.id))
    with on_signals(partial(in_thread, on_signal)), observer.reporting():
        summary = run_job(
            options,
            settings=settings,
            job_id=job_id,
            flow_run_id=str(run.id),
            observer=observer,
            run_stage=observer.around(run_as_task),
            stop=stop,
            on_lost=on_lost,
        )
        observer.on_end(summary)
        on_end(summary)  # before the last report to Prefect, which may not answer
        return summary


def stop_by_signal(stop: Stop, is_stopped_in_prefect: Callable[[], bool]) -> None:
    """Stop the job that a signal asks to stop; name Prefect if the run is cancelled there: its worker sends one."""
    by = A_SIGNAL
    with suppress(TimeoutError):
        by = PREFECT if call_within(ANSWER_SECONDS, is_stopped_in_prefect) else A_SIGNAL
    stop.request(canceled_by(by))


def report_end(summary: JobSummary, *, options: JobOptions, settings: Settings, run: FlowRun, is_repeat: bool) -> None:
    """Show the end of the job on the run's page; signals come too late for it, and so does an API that is silent."""
    database = settings.database.absolute()
    page = RunPage(
        summary=summary,
        errors=[] if is_repeat else errors_to_show(summary, settings=settings),
        plan=[] if is_repeat else read_planned_rows(settings, summary.job_id),
        steps=steps_after_import(summary, options=options, database=database, is_repeat=is_repeat),
        database=database,
        is_repeat=is_repeat,
    )
    with on_signals(lambda: None), suppress(TimeoutError):
        call_within(REPORT_SECONDS, partial(write_page, run.id, page, tags=run.tags))


def run_as_task(name: str, stage: Callable[[], Result], /) -> Result:
    """Return what the stage returns; Prefect sees a task of that name and how it ended.

    Values and errors go past Prefect, which would record their texts: they may hold a user's data.
    """
    outcome: Future[Result] = Future()

    @task(name=name, task_run_name=name, persist_result=False)
    def run_stage() -> State[None]:
        try:
            outcome.set_result(stage())
        except Fault as fault:
            outcome.set_exception(fault)
            return ended_by(fault)
        except Exception as error:  # noqa: BLE001 - raised again outside the task
            outcome.set_exception(error)
            return Failed(message=f"the stage failed with {type(error).__name__}")
        return Completed()

    run_stage(return_state=True)
    return outcome.result(timeout=0)


def ended_by(fault: Fault) -> State[Any]:
    """Return the state of a run or task that a fault ended."""
    make = Cancelled if isinstance(fault, Canceled) else Failed
    return make(message=f"{mask_emails(fault.message)} ({fault.code.value})")


def errors_to_show(summary: JobSummary, *, settings: Settings) -> list[ErrorRow]:
    """Return the first errors, or none while another process holds the database: the run need not wait for it."""
    store = Store(replace(settings, wait_seconds=2.0))
    with suppress(DatabaseFault), store.reading() as connection:
        return [*run_mapped(connection, "first_errors", job_id=summary.job_id, limit=SHOWN_ERRORS)]
    return []


def _is_gone(settings: Settings, job_id: str) -> bool:
    """Return whether a job of this database had a process and has none any more."""
    folder = JobFolder(settings.jobs_folder / job_id)
    return (folder.path / LOCK_FILE).exists() and not folder.is_running
