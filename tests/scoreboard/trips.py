"""One file's trip through the readers and the rules, and what came of it."""

import csv
import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from flows.readers.detect import detect_format
from flows.readers.header import SEPARATORS
from flows.readers.limits import ReadLimits
from flows.readers.registry import read
from flows.readers.sources import Source, find_sources
from flows.settings import Settings
from flows.store.database import scratch
from schemas.connection import ConnectionSettings
from schemas.faults import Fault
from schemas.profiles import PROFILES, Profile
from tests.scoreboard.faithful import altered
from transforms.normalise import normalise
from transforms.rules.validate import RuleSet, rule_set, validate


@dataclass(frozen=True, kw_only=True)
class Task:
    """One file and how it is read."""

    path: Path
    format: str = "auto"
    name: str = ""  # that the file goes under, if not its own
    own_columns: bool = False  # take whatever columns it has for fields, and leave the rules out
    keep_texts: bool = False
    argument: str = ""  # for a trip that ends where a name is looked up, in the folder `path`

    @property
    def source(self) -> Source:
        """The file as a source."""
        return Source(self.name or self.path.name, self.path, self.path.stat().st_size)


@dataclass(frozen=True, kw_only=True)
class Trip:
    """What came of one file."""

    status: str  # read, refused, crashed or slow
    rows: int = 0  # records accepted
    refused: int = 0  # records refused
    row_errors: dict[str, int] = field(default_factory=dict)  # by code
    code: str = ""
    message: str = ""
    altered: int = 0  # records whose text is not what the file says
    texts: tuple[str, ...] = ()  # of the accepted records
    megabytes: int = 0


def travel(task: Task) -> Trip:
    """Read the file to its end and judge what was read."""
    try:
        if task.argument:
            return _look_up(task)
        form = detect_format(task.source, task.format)
        profile = _own_columns(task, form) if task.own_columns else PROFILES["csv" if form == "csv" else "auth0"]
        rules = (
            None
            if task.own_columns
            else rule_set(ConnectionSettings(), unknown_fields="refuse", reset_unsupported_hashes=False)
        )
        return _read(task, form=form, profile=profile, rules=rules)
    except Fault as fault:
        return Trip(status="refused", code=fault.code.value, message=fault.message)


def _look_up(task: Task) -> Trip:
    os.chdir(task.path)
    return Trip(status="read", rows=len(find_sources([task.argument], spool=task.path)))


def _read(task: Task, *, form: str, profile: Profile, rules: RuleSet | None) -> Trip:
    texts: list[str] = []
    accepted: list[str] = []
    errors = Counter[str]()
    seen = 0
    with scratch(Settings()) as engine:
        for batch in read(
            task.source, format=form, profile=profile, limits=ReadLimits(), first_record=seen + 1, engine=engine
        ):
            assert batch.seen == batch.rows.height + batch.refused.height
            seen += batch.seen
            rows = batch.rows
            texts += rows["text"].to_list()
            errors.update(batch.errors["code"].to_list())
            if rules is not None:
                canonical = normalise(rows, engine=engine, profile=profile, layout=batch.layout)
                verdicts = validate(canonical, rules=rules)
                errors.update(verdicts.errors["code"].to_list())
                rows = rows.join(verdicts.accepted.select("record"), on="record", how="semi", maintain_order="left")
            accepted += rows["text"].to_list()
    return Trip(
        status="read",
        rows=len(accepted),
        refused=seen - len(accepted),
        row_errors=dict(errors),
        altered=altered(texts, task.path, form=form, seen=seen),
        texts=tuple(accepted) if task.keep_texts else (),
    )


def _own_columns(task: Task, form: str) -> Profile:
    """A profile whose fields are what the file's columns are called."""
    names: list[str] = []
    if form == "parquet":
        try:
            names = pq.read_schema(task.path).names
        except (pa.ArrowException, OSError):
            return PROFILES["auth0"]
    elif form == "csv":
        lines = task.path.read_bytes().decode(errors="replace").splitlines()
        first = next((line for line in lines if line.strip()), "")
        names = [
            cell.strip() for separator in SEPARATORS for cell in next(csv.reader([first], delimiter=separator), [])
        ]
    return Profile("own columns", {name: "$" for name in names if name} or {"?": "$"})
