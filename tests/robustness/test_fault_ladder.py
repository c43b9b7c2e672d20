"""An operation that is broken at any step has happened or not, its job says which, and it can be run again.

This is the quick part; `python -m tests.robustness.ladder` breaks every operation at every step in every way.
"""

import shutil
import signal
import uuid
from pathlib import Path

import pytest

from flows.store.fault_points import on_fault_point
from tests.marks import mostly_slow
from tests.robustness.forked import fork_server
from tests.robustness.invariants import leftovers, read_state, violations
from tests.robustness.ladder import break_once, prepare, raise_at, signal_at
from tests.robustness.operations import OPERATIONS, settings_in

SAMPLE = ("database: commit", "database: committed", "read back", "insert_new_users")


@pytest.mark.parametrize(
    ("operation", "first", "stride"),
    mostly_slow([("insert", 1, 2), ("upsert", 2, 2), ("upsert", 3, 5)], quick=[("upsert", 3, 5)]),
)
def test_an_import_that_breaks_at_any_step_has_happened_or_not(
    operation: str, first: int, stride: int, tmp_path: Path
) -> None:
    """Break each at every other step, the quick one at every fifth: the two differ in one statement only."""
    start = prepare(operation, tmp_path)
    folder = start.copy_to("broken")
    step, is_in = first, False
    while raise_at(operation, folder, job_id := str(uuid.uuid4()), step):
        settings = settings_in(folder)
        assert [*violations(settings, job_id, start.images, killed=False)] == [], step
        if read_state(settings).users == start.images.after:
            is_in = True
            shutil.rmtree(folder)
            folder = start.copy_to("broken")
        step += stride
    assert is_in
    assert step > 60
    assert read_state(settings_in(folder)).users == start.images.after, "a run after many that failed"
    assert [*leftovers(settings_in(folder))] == []


def test_an_import_that_is_killed_has_happened_or_not_and_can_be_run_again(tmp_path: Path) -> None:
    start = prepare("upsert", tmp_path)
    steps: list[str] = []
    with on_fault_point(steps.append):
        OPERATIONS["upsert"].run(settings_in(start.copy_to("counted")), str(uuid.uuid4()))
    with fork_server() as server:
        kill = signal_at(signal.SIGKILL, server)
        for name in SAMPLE:
            last = len(steps) - steps[::-1].index(name)
            assert break_once(start, kill, last) == [], name
