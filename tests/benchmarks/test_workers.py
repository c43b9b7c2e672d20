"""What is simulated adds up, and has the limits that one process that plans and merges sets."""

import pytest

from tests.benchmarks.workers import SLICE_USERS, WORKERS, Rates, most_that_pay, simulate

RATES = Rates(start=1, cut=2, load=10, plan_and_merge=3, gather=0.5, shared=0.25)


def test_one_worker_takes_what_all_steps_take() -> None:
    assert simulate(10_000_000, workers=1, rates=RATES) == pytest.approx(1 + 10 * (2 + 10 + 3 + 0.5))


def test_two_workers_halve_the_load_of_an_even_number_of_slices() -> None:
    users = 4 * SLICE_USERS
    saved = simulate(users, workers=1, rates=RATES) - simulate(users, workers=2, rates=RATES)
    assert saved == pytest.approx(10 * users / 1e6 / 2)


def test_one_slice_gains_nothing() -> None:
    assert simulate(1000, workers=64, rates=RATES) == simulate(1000, workers=1, rates=RATES)


@pytest.mark.parametrize("workers", WORKERS)
def test_the_time_is_not_below_what_is_done_by_one_process_or_folder(workers: int) -> None:
    assert simulate(100_000_000, workers=workers, rates=RATES) >= 100 * (2 + 3 + 0.5 + 0.25)


def test_more_workers_pay_as_long_as_the_load_dominates() -> None:
    merging = Rates(start=1, cut=0, load=1, plan_and_merge=100, gather=0, shared=0)
    loading = Rates(start=1, cut=0, load=100, plan_and_merge=0, gather=0, shared=0)
    assert most_that_pay(100_000_000, rates=merging) == 1
    assert most_that_pay(100_000_000, rates=loading) == WORKERS[-1]
