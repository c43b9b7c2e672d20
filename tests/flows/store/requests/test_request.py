"""A request is on disk whole or not at all, and is seen by every command before it begins."""

import os
import stat

import pytest

from flows.jobs.forget import forget
from flows.settings import Settings
from flows.store.database import Store
from flows.store.forget import WantedUser
from flows.store.job_folder import JobFolder
from flows.store.job_status import JobFilter, end_lost_jobs, find_job_named, find_jobs, find_running_job
from flows.store.requests.queue import end_request, enqueue, enqueue_forgotten, queued_jobs
from flows.store.requests.request import (
    Draft,
    JobRequest,
    changing,
    new_job_id,
    new_source,
    read_request,
    remove_drafts,
    safe_name,
    sent_files,
)
from flows.store.retention import purge
from schemas.codes import ErrorCode
from schemas.faults import Canceled, JobFault
from schemas.job import JobStatus


def draft_of(settings: Settings, *, text: bytes = b"[]", name: str = "users.json") -> Draft:
    draft = Draft(settings, JobRequest(job_id=new_job_id(), face="own", requested_by="tests", connection="default"))
    with draft.add_file(name) as file:
        file.write(text)
    return draft


def published(settings: Settings) -> JobFolder:
    draft = draft_of(settings)
    folder = draft.publish()
    draft.close()
    return folder


def test_a_draft_is_seen_by_nobody_and_leaves_nothing(settings: Settings) -> None:
    draft = draft_of(settings)
    assert find_jobs(Store(settings), JobFilter())[0] == []
    draft.close()
    assert [*settings.jobs_folder.glob(".new-*-*")] == []


def test_a_published_request_is_a_pending_job_everywhere(settings: Settings) -> None:
    folder = published(settings)
    store, job_id = Store(settings), folder.path.name
    assert find_job_named(store, job_id).summary.status is JobStatus.PENDING
    found = find_running_job(store, job_id)
    assert found is not None
    assert found.summary.sources == ("users.json",)
    assert [job.summary.job_id for job in find_jobs(store, JobFilter())[0]] == [job_id]


def test_no_sweep_and_no_other_job_removes_a_request_that_waits(settings: Settings) -> None:
    folder = published(settings)
    assert end_lost_jobs(Store(settings)) == []
    assert read_request(folder) is not None
    assert find_job_named(Store(settings), folder.path.name).summary.status is JobStatus.PENDING


def test_everything_of_a_request_is_private(settings: Settings) -> None:
    folder = published(settings)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in folder.path.rglob("*")}
    assert modes <= {0o600, 0o700}


def test_a_server_that_died_between_publishing_and_queueing_loses_no_job(settings: Settings) -> None:
    folder = published(settings)
    assert queued_jobs(settings) == []
    for _ in range(2):
        enqueue_forgotten(settings, settings.database)
        assert queued_jobs(settings) == [folder.path.name]


def test_drafts_of_a_dead_server_are_removed_and_those_of_a_living_one_are_not(settings: Settings) -> None:
    living = draft_of(settings)
    dead = settings.jobs_folder / f".new-{new_job_id()}"
    JobFolder(dead).create()
    os.utime(dead, (0, 0))
    remove_drafts(settings)
    assert living.folder.path.exists()
    assert not dead.exists()
    living.close()


def test_a_request_that_ends_before_it_begins_says_how(settings: Settings) -> None:
    folder = published(settings)
    end_request(folder, JobStatus.CANCELED, Canceled(ErrorCode.CANCELED, "it was canceled"))
    summary = find_job_named(Store(settings), folder.path.name).summary
    assert (summary.status, summary.fault and summary.fault["message"]) == (JobStatus.CANCELED, "it was canceled")
    end_request(folder, JobStatus.FAILED, JobFault(ErrorCode.JOB_LOST, "it was lost"))
    assert find_job_named(Store(settings), folder.path.name).summary.status is JobStatus.CANCELED


def test_a_file_whose_sender_fails_is_not_a_source(settings: Settings) -> None:
    folder = published(settings)

    def send_half() -> None:
        with new_source(folder, "more.ndjson") as file:
            file.write(b'{"email":')
            raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        send_half()
    with new_source(folder, "more.ndjson") as file:
        file.write(b"{}")
    assert [path.name for path in sent_files(folder)] == ["users.json", "more.ndjson"]


def test_requests_of_an_unknown_job_are_refused(settings: Settings) -> None:
    with pytest.raises(JobFault, match="there is no job"), changing(JobFolder(settings.jobs_folder / new_job_id())):
        pass


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\x\\Üsers 1.csv", "_sers_1.csv"),
        ("...", "users.json"),
        ("", "users.json"),
        ("a" * 300 + ".json", "a" * 75 + ".json"),
        ("x\n\0.json", "x_.json"),
    ],
)
def test_names_of_files_are_made_safe(name: str, safe: str) -> None:
    assert safe_name(name) == safe


def test_retention_removes_old_requests_that_never_became_jobs(settings: Settings) -> None:
    old, waiting = published(settings), published(settings)
    enqueue(settings, waiting.path.name)
    for folder in (old, waiting):
        os.utime(folder.path, (0, 0))
    purge(Store(settings), days=7, dry_run=True)
    assert old.path.exists()
    purge(Store(settings), days=7)
    assert (old.path.exists(), waiting.path.exists()) == (False, True)


def test_a_forgotten_user_is_in_no_file_that_was_sent(settings: Settings) -> None:
    text = b'[{"email": "ada@hidden.example"}, {"email": "bob@example.com"}]'
    draft = draft_of(settings, text=text)
    staged = draft.publish(is_staged=True)
    draft.close()
    failed = draft_of(settings, text=text)
    ended = failed.publish()
    failed.close()
    wanted = WantedUser("ada@hidden.example", "email")
    with pytest.raises(JobFault, match="is running"):
        forget(Store(settings), wanted)
    end_request(ended, JobStatus.FAILED, JobFault(ErrorCode.JOB_LOST, "it was lost"))
    forget(Store(settings), wanted)
    for folder in (staged, ended):
        (file,) = sent_files(folder)
        assert b"hidden" not in file.read_bytes()
        assert b"bob@example.com" in file.read_bytes()
