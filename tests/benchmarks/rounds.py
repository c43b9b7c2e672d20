"""Runs a scenario round by round, every run in its turn, and keeps what each took and how its verdict differs."""

import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from tests.benchmarks import verdicts
from tests.benchmarks.material import Material
from tests.benchmarks.processes import Taken, ToolFailedError, run
from tests.benchmarks.scenarios import Run, Scenario, Sizes
from tests.benchmarks.tools import OURS


@dataclass
class Contestant:
    """One run of a scenario over all rounds."""

    run: Run
    taken: list[Taken] = field(default_factory=list)
    lock_seconds: list[float] = field(default_factory=list)
    verdict: str = ""


@dataclass(frozen=True)
class Played:
    """A scenario with what came of it."""

    name: str
    scenario: Scenario
    contestants: Sequence[Contestant]

    def of(self, name: str) -> Contestant | None:
        """The contestant of a tool that got through all rounds."""
        return next((one for one in self.contestants if one.run.tool.name == name and one.taken), None)


@dataclass
class _Judge:
    """What we made of the file, by which the others are judged."""

    ours: verdicts.Result | None = None
    known: pl.DataFrame | None = None

    def check_records(self, one: Run, database: Path, file: Path) -> str:
        """How the run's verdict stands to ours."""
        result = verdicts.result(database, one.tool.layout)
        if result is None:
            return "unchecked"
        if one.tool.layout is OURS:
            self.ours, self.known = result, verdicts.codes(database, file)
            return f"{result.refused.height:,} refused" if result.refused is not None else ""
        assert self.ours is not None
        assert self.known is not None
        differs = verdicts.difference(result, self.ours, self.known)
        return f"differs: {differs}" if differs else "the same"


def play(name: str, scenario: Scenario, *, sizes: Sizes, rounds: int, folder: Path) -> Played:
    """Run the scenario for so many rounds; a tool that fails is left out from there on."""
    contestants = [Contestant(one) for one in scenario.runs(sizes)]
    material = Material(folder / "material")
    judge = _Judge()
    for one in contestants:  # before the first turn: what it takes is nobody's time
        material.file(one.run)
        material.base(one.run)
    for number in range(rounds):
        for one in _standing(contestants, number):
            _turn(one, material, folder=folder / "run", judge=judge if number == 0 else None)
            _say(f"{name}, round {number + 1} of {rounds}: {one.run.label}: {_told(one)}")
    return Played(name, scenario, contestants)


def _standing(contestants: Sequence[Contestant], number: int) -> Iterator[Contestant]:
    return (one for one in contestants if len(one.taken) == number)


def _turn(one: Contestant, material: Material, *, folder: Path, judge: _Judge | None) -> None:
    """Run it once; the first time its verdict is compared before its time counts."""
    file, base = material.file(one.run), material.base(one.run)
    database = folder / "users.duckdb"
    try:
        taken = run(one.run.tool, file, database=database, mode=one.run.mode, base=base)
    except ToolFailedError as failed:
        if one.run.tool.layout is OURS:
            raise  # there is nothing to compare with
        one.verdict = f"failed: {str(failed).strip().splitlines()[-1]}"
        one.taken.clear()
        return
    if judge:
        one.verdict = judge.check_records(one.run, database, file)
    if one.run.tool.layout is OURS:
        one.lock_seconds += [seconds for seconds in [verdicts.lock_seconds(database)] if seconds is not None]
    one.taken.append(taken)
    shutil.rmtree(folder)


def _told(one: Contestant) -> str:
    return f"{one.taken[-1].wall_seconds:.2f} s, {one.verdict}" if one.taken else one.verdict


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
