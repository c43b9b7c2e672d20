"""After any sequence of imports, undos, purges, erasures and crashes the users are those of a model in plain Python.

`STATE_MACHINE_EXAMPLES=300 python -m pytest tests/robustness/test_state_machine.py` tries more and longer sequences.
"""

import json
import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TypeVar

from hypothesis import HealthCheck, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from flows.jobs.forget import forget
from flows.pipeline.job import Observer
from flows.pipeline.run import run_job
from flows.pipeline.undo import undo
from flows.settings import Settings
from flows.store.connections import add_connection
from flows.store.database import Store
from flows.store.fault_points import on_fault_point
from flows.store.forget import AmbiguousUserError, WantedUser
from flows.store.job_status import end_lost_jobs
from flows.store.jobs import find_errors, find_job
from flows.store.retention import purge
from schemas.connection import ConnectionSettings
from schemas.faults import JobFault
from schemas.job import DONE, RUNNING, JobSummary, Mode
from schemas.options import JobOptions
from tests.flows.importing import import_records
from tests.population import FAULTS, Record
from tests.robustness.ladder import Breaker
from tests.robustness.model import Model, Row

EXAMPLES = int(os.environ.get("STATE_MACHINE_EXAMPLES", "4"))
STEPS = 9 if EXAMPLES < 20 else 25
COLUMNS = ("email", "username", "given_name", "name", "email_verified", "blocked", "password_hash")
COUNT_OTHERS = """
select
    (select count(*) from users where connection = 'other'),
    (select count(*) from all_changes where connection = 'other'),
    (select count(*) from rejected_users where job_id = $job_id)
"""
Result = TypeVar("Result")

SOMETIMES = st.sampled_from([None, None, 1])


@st.composite
def rows(draw: st.DrawFn) -> list[Row]:
    """Draw a few records whose keys overlap, some of them faulty."""
    return [draw(row()) for _ in range(draw(st.integers(1, 5)))]


@st.composite
def row(draw: st.DrawFn) -> Row:
    """Draw a record and its faults."""
    record: Record = {"email": draw(st.sampled_from(["a", "b", "c", "d", "A", "C"])) + "@x.example"}
    for name, values in (("username", ["n1", "n2", "N2"]), ("user_id", ["u1", "u2", "n1"]), ("name", ["X", "Y"])):
        if draw(st.booleans()):
            record[name] = draw(st.sampled_from(values))
    if draw(st.booleans()):
        record["given_name"] = draw(st.sampled_from(["G", "H"]))
    if draw(st.booleans()):
        record["password_hash"] = draw(st.sampled_from([f"$2b$10${letter * 53}" for letter in "ab"]))
    if draw(SOMETIMES) is None:
        return record, ()
    break_it, faults = draw(st.sampled_from([fault for fault in FAULTS if "family_name" not in str(fault[1])]))
    if "email" not in record or faults[0][1] == "email":
        return record, ()  # without an address the model could not tell users apart
    break_it(record)
    return record, faults


OTHERS = [{"email": f"{n}@x.example", "user_id": f"u{i}", "username": f"n{i}"} for i, n in enumerate("abcd")]
KEYS = [
    *(("email", f"{name}@x.example") for name in "abcdC"),
    *(("username", name) for name in ("n1", "n2", "N2")),
    *(("user_id", name) for name in ("u1", "u2", "n1")),
]
BREAK_AT = st.one_of(st.none(), st.none(), st.integers(1, 75))


class UsersTable(RuleBasedStateMachine):
    """An import into a database of its own, beside the model."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.settings = Settings(database=self.folder / "users.duckdb")
        self.store = Store(self.settings)
        self.store.prepare()
        add_connection(self.store, ConnectionSettings(connection="other"))
        self.others = import_records(self.settings, [*OTHERS, OTHERS[0]], Mode.INSERT, connection="other").job_id
        self.model = Model()

    def teardown(self) -> None:
        shutil.rmtree(self.folder)

    @rule(rows=rows(), mode=st.sampled_from(list(Mode)), again=st.booleans(), break_at=BREAK_AT)
    def import_users(self, rows: Sequence[Row], mode: Mode, again: bool, break_at: int | None) -> None:
        text = "".join(json.dumps(record) + "\n" for record, _ in rows)
        content = (text, mode.value)
        path = self.folder / "users.ndjson"
        path.write_text(text)
        options = JobOptions(sources=(str(path),), mode=mode, again=again)
        job_id = str(uuid.uuid4())
        earlier = None if again else self.model.find_repeated(content)
        summary = self._run_broken(
            break_at, lambda: run_job(options, settings=self.settings, job_id=job_id, observer=Observer())
        )
        if summary is None or earlier is not None:
            assert summary is None or break_at or summary.job_id == earlier
            event("already imported" if summary else "import that did not begin")
            summary = self._find_recorded(job_id)
        if summary is not None and summary.status in DONE:
            self.model.import_rows(rows, mode=mode.value, job_id=job_id, content=content)
            self._compare(summary)
            event(f"imported{', broken after the commit' if break_at else ''}")
        elif summary is not None:
            event("broken import")
            assert break_at is not None
            assert (summary.inserted, summary.updated) == (0, 0)
            second = run_job(options, settings=self.settings, job_id=job_id, observer=Observer())
            if second.job_id == job_id:
                self.model.import_rows(rows, mode=mode.value, job_id=job_id, content=content)
                self._compare(second)
        if summary is not None and job_id in self.model.jobs:
            event("attempted again")
            answer = run_job(options, settings=self.settings, job_id=job_id, observer=Observer())
            assert answer == find_job(self.store, job_id)

    def _compare(self, summary: JobSummary) -> None:
        """Assert that counts and errors are those of the model."""
        names = ("insert", "update", "unchanged", "refused")
        counts = (summary.inserted, summary.updated, summary.unchanged, summary.failed)
        assert counts == tuple(self.model.reference.outcomes[name] for name in names)
        errors = find_errors(self.store, summary.job_id)
        found = sorted((e["record"], e["code"], e["path"]) for e in errors if e["severity"] == "error")
        assert found == sorted(self.model.reference.errors)

    @precondition(lambda self: self.model.jobs)
    @rule(data=st.data(), break_at=BREAK_AT)
    def undo_a_job(self, data: st.DataObject, break_at: int | None) -> None:
        target = data.draw(st.sampled_from(list(self.model.jobs)))
        job_id = str(uuid.uuid4())
        summary = self._run_broken(break_at, lambda: undo(target, dry_run=False, settings=self.settings, job_id=job_id))
        recorded = self._find_recorded(job_id)
        if recorded is not None and recorded.status in DONE:
            expected = self.model.undo(target, job_id=job_id)
            assert expected == (recorded.updated, recorded.failed)
            event(f"undone, put back: {recorded.updated > 0}, kept: {recorded.failed > 0}")
        elif break_at is None:
            event("undone already")
            assert summary is not None
            assert self.model.undo(target, job_id=job_id) is None
            assert summary.job_id == self.model.jobs[target].undone_by

    @rule(break_at=BREAK_AT)
    def purge_what_has_ended(self, break_at: int | None) -> None:
        self._run_broken(break_at, partial(purge, self.store, days=0))

    @rule(key=st.sampled_from(KEYS), break_at=BREAK_AT)
    def forget_a_user(self, key: tuple[str, str], break_at: int | None) -> None:
        kind, value = key
        wanted = WantedUser(value, kind)
        try:
            for step in dict.fromkeys((break_at, None)):  # a broken run is completed by the next
                with suppress(JobFault):  # nobody has the key
                    self._run_broken(step, partial(forget, self.store, wanted))
                    event(f"forgotten{', broken' if step else ''}")
        except AmbiguousUserError:
            event("not forgotten: two users had the key")
        self.model.forget(kind, value.lower())
        assert [*self.settings.jobs_folder.glob(".users*")] == []

    def _run_broken(self, break_at: int | None, run: Callable[[], Result]) -> Result | None:
        """Return the summary of an operation that may be broken at a step; None where it returned none."""
        if break_at is None:
            return run()
        try:
            with on_fault_point(Breaker(break_at, lambda: RuntimeError("broken"))):
                return run()
        except RuntimeError:
            return None

    def _find_recorded(self, job_id: str) -> JobSummary | None:
        end_lost_jobs(self.store)
        try:
            return find_job(self.store, job_id)
        except JobFault:
            return None

    @invariant()
    def the_users_are_those_of_the_model(self) -> None:
        with self.store.reading() as connection:
            query = f"select {', '.join(COLUMNS)} from users where connection = 'default'"  # noqa: S608
            found = connection.execute(query).fetchall()
            others = connection.execute(COUNT_OTHERS, {"job_id": self.others}).fetchall()
            running = connection.execute("select status from import_jobs").fetchall()
        expected = [tuple(user.get(column) for column in COLUMNS) for user in self.model.reference.users.values()]
        assert others in ([(4, 4, 1)], [(4, 4, 0)]), "the users of the other connection; its refused row may be purged"
        assert sorted(found, key=repr) == sorted(expected, key=repr)
        assert not {status for (status,) in running} & {status.value for status in RUNNING}


TestUsersTable = UsersTable.TestCase
TestUsersTable.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=STEPS,
    deadline=None,
    derandomize=EXAMPLES < 20,
    suppress_health_check=list(HealthCheck),
)
