"""Broken at any step, an operation has either happened or not, its job says which, and it can be run again.

This is the quick part; `python -m tests.robustness.ladder` breaks every operation at every step in every way.
"""

import shutil
import signal
import uuid
from pathlib import Path

import pytest

from flows.store.fault_points import on_fault_point
from tests.robustness.examined import found_in, leftovers, violations
from tests.robustness.forked import forks
from tests.robustness.ladder import point, raising, signalled, started
from tests.robustness.operations import OPERATIONS, settings_in

SAMPLE = ("database: commit", "database: committed", "read back", "insert_new_users")


@pytest.mark.parametrize(("operation", "first"), [("insert", 1), ("upsert", 2)])
def test_an_import_that_breaks_at_any_step_has_happened_or_not(operation: str, first: int, tmp_path: Path) -> None:
    """At every other step each: the steps of the two are the same but for one statement."""
    start = started(operation, tmp_path)
    folder = start.copied("broken")
    step, is_in = first, False
    while raising(operation, folder, job_id := str(uuid.uuid4()), step):
        settings = settings_in(folder)
        assert [*violations(settings, job_id, start.images, killed=False)] == [], step
        if found_in(settings).users == start.images.after:
            is_in = True
            shutil.rmtree(folder)
            folder = start.copied("broken")
        step += 2
    assert is_in
    assert step > 60
    assert found_in(settings_in(folder)).users == start.images.after, "an attempt after many that failed"
    assert [*leftovers(settings_in(folder))] == []


def test_an_import_that_is_killed_has_happened_or_not_and_can_be_run_again(tmp_path: Path) -> None:
    start = started("upsert", tmp_path)
    steps: list[str] = []
    with on_fault_point(steps.append):
        OPERATIONS["upsert"].run(settings_in(start.copied("counted")), str(uuid.uuid4()))
    with forks() as through:
        kill = signalled(signal.SIGKILL, through)
        for name in SAMPLE:
            last = len(steps) - steps[::-1].index(name)
            assert point(start, kill, last) == [], name
