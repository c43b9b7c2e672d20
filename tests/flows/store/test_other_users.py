"""Files and folders of others stay as they are; only what this program creates is private."""

import json
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from flows.jobs.backup import back_up
from flows.jobs.forget import forget
from flows.settings import Settings
from flows.store import locks
from flows.store.database import Store
from flows.store.forget import WantedUser
from flows.store.job_status import JobFilter, find_jobs
from flows.store.locks import slot, try_file_lock
from flows.store.private_files import atomic_write
from flows.store.retention import purge
from schemas.faults import DatabaseFault, JobFault
from schemas.job import JobStatus
from tests.flows.importing import import_records, new_id
from tests.flows.other_user import NOBODY, folder_for_all, give_to_nobody, needs_root, run_as_nobody
from tests.population import user

EMAIL = str(user(1)["email"])
ACTS: dict[str, Callable[[Store], object]] = {
    "list": lambda store: find_jobs(store, JobFilter()),
    "import": lambda store: import_records(store.settings, [user(2)]),
    "purge": lambda store: purge(store, days=0),
    "backup": lambda store: back_up(store, store.path.with_name("backup.duckdb")),
    "forget": lambda store: forget(store, WantedUser(EMAIL, "email"), connection_id="default"),
}


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("act", ACTS)
def test_database_keeps_the_mode_that_its_owner_gave_it(settings: Settings, act: str) -> None:
    import_records(settings, [user(1)], name=new_id())
    settings.database.chmod(0o640)
    ACTS[act](Store(settings))
    assert mode_of(settings.database) == 0o640


def test_database_of_another_program_is_refused_and_keeps_its_mode(tmp_path: Path) -> None:
    other = tmp_path / "other.duckdb"
    other.write_bytes(b"not a database" * 1000)
    other.chmod(0o664)
    with pytest.raises(DatabaseFault):
        import_records(Settings(database=other), [user(1)])
    assert mode_of(other) == 0o664


@pytest.mark.parametrize("is_link", [False, True])
def test_folder_of_jobs_that_was_there_keeps_its_mode(tmp_path: Path, *, is_link: bool) -> None:
    folder = tmp_path / ("elsewhere" if is_link else "jobs")
    folder.mkdir()
    folder.chmod(0o755)
    if is_link:
        (tmp_path / "jobs").symlink_to(folder)
    job = new_id()
    assert import_records(Settings(database=tmp_path / "users.duckdb"), [user(1)], name=job).inserted == 1
    assert (mode_of(folder), mode_of(folder / job)) == (0o755, 0o700)
    assert {mode_of(path) for path in (folder / job).iterdir()} == {0o600}


@needs_root
def test_two_users_have_databases_of_their_own_in_one_folder() -> None:
    with folder_for_all() as settings:
        folder = settings.database.parent
        folder.chmod(0o1777)
        assert import_records(settings, [user(1)]).inserted == 1
        source, other = folder / "theirs.ndjson", folder / "theirs.duckdb"
        source.write_text(json.dumps(user(2)))
        source.chmod(0o644)
        command = ("-m", "flows.import_users", source, "--direct", "--json", "--database", other)
        ended = run_as_nobody(*command)
        assert (ended.returncode, json.loads(ended.stdout)["inserted"]) == (0, 1), ended.stderr
        job = json.loads(ended.stdout)["job_id"]
        assert (folder / f"jobs-{NOBODY}" / job).stat().st_uid == NOBODY
        listed = run_as_nobody("-m", "flows.jobs", "status", job, "--json", "--database", other)
        assert json.loads(listed.stdout)["status"] == "completed"
        assert import_records(Settings(database=other), [user(3)]).inserted == 1  # root, in the folder of its owner
        assert not [path for path in (folder / "jobs").iterdir() if path.name == job]


@needs_root
@pytest.mark.parametrize("is_link", [False, True])
def test_folder_that_another_user_has_put_in_place_of_ours_is_not_used(tmp_path: Path, *, is_link: bool) -> None:
    (tmp_path / "theirs").mkdir()
    for name in ("jobs", f"jobs-{os.getuid()}"):
        path = tmp_path / name
        path.symlink_to(tmp_path / "theirs") if is_link else path.mkdir()
        os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
    settings = Settings(database=tmp_path / "users.duckdb")
    job = import_records(settings, [user(1)], name=new_id())
    assert job.inserted == 1
    assert [*(tmp_path / f"jobs-{os.getuid()}").iterdir()] == []
    assert (tmp_path / f"jobs-{os.getuid()}-2" / job.job_id).is_dir()
    (tmp_path / "jobs").rename(tmp_path / "before")
    assert settings.jobs_folder.name == f"jobs-{os.getuid()}-2"


@needs_root
def test_root_gives_what_it_creates_for_a_database_to_its_owner(settings: Settings) -> None:
    import_records(settings, [user(1)])
    give_to_nobody(settings.database.parent)
    shutil.rmtree(settings.jobs_folder)
    assert import_records(settings, [user(2)], connection="default").inserted == 1
    folder = settings.database.parent / "jobs"
    assert settings.jobs_folder == folder
    ours = [folder, folder / ".slots", *(folder / ".slots").iterdir()]
    assert {path.stat().st_uid for path in ours} == {NOBODY}
    assert len(ours) == 3


def test_slots_of_another_user_are_a_fault(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(locks, "open_regular", refuse)
    with pytest.raises(JobFault, match=r"\.slots cannot be used: permission denied"), slot(settings, connection="c"):
        pass


def test_temporary_file_is_new_private_and_of_a_name_that_nobody_can_foresee(tmp_path: Path) -> None:
    names = set()
    for _ in range(3):
        with atomic_write(tmp_path / "users.csv") as temp:
            names.add(temp.name)
            assert (temp.parent, temp.suffix, mode_of(temp)) == (tmp_path, ".csv", 0o600)
    assert len(names) == 3
    assert [path.name for path in tmp_path.iterdir()] == ["users.csv"]


def test_lock_that_is_a_link_creates_nothing(tmp_path: Path) -> None:
    (tmp_path / "lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic link"), try_file_lock(tmp_path / "lock"):
        pass
    assert not (tmp_path / "elsewhere").exists()


def test_files_of_others_that_are_made_during_a_job_are_not_private(settings: Settings) -> None:
    before = os.umask(0o022)
    made = settings.database.with_name("of another thread")
    try:
        from flows.store.fault_points import on_fault_point  # noqa: PLC0415 - only here

        with on_fault_point(lambda step: made.touch() if step == "enter loading" else None):
            assert import_records(settings, [user(1)]).status is JobStatus.COMPLETED
    finally:
        os.umask(before)
    assert mode_of(made) == 0o644
