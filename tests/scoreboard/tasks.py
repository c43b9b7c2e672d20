"""A task: read one file with the readers and the rules. Its result: what was accepted, refused or altered."""

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
from tests.scoreboard.alterations import count_altered
from transforms.normalise import normalise
from transforms.rules.validate import RuleSet, rule_set, validate


@dataclass(frozen=True, kw_only=True)
class Task:
    """One file and how to read it."""

    path: Path
    format: str = "auto"
    name: str = ""  # to show the file under, if not its own
    own_columns: bool = False  # use the columns of the file as fields, without the rules
    keep_texts: bool = False
    argument: str = ""  # only look up this name, in the folder `path`

    @property
    def source(self) -> Source:
        """Return the file as a source."""
        return Source(self.name or self.path.name, self.path, self.path.stat().st_size)


@dataclass(frozen=True, kw_only=True)
class Result:
    """The result of one file."""

    status: str  # read, refused, crashed or slow
    rows: int = 0  # records accepted
    refused: int = 0  # records refused
    row_errors: dict[str, int] = field(default_factory=dict)  # by code
    code: str = ""
    message: str = ""
    altered: int = 0  # records whose text is not in the file
    texts: tuple[str, ...] = ()  # of the accepted records
    megabytes: int = 0


def run_task(task: Task) -> Result:
    """Read the whole file and validate its records."""
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
        return Result(status="refused", code=fault.code.value, message=fault.message)


def _look_up(task: Task) -> Result:
    os.chdir(task.path)
    return Result(status="read", rows=len(find_sources([task.argument], spool=task.path)))


def _read(task: Task, *, form: str, profile: Profile, rules: RuleSet | None) -> Result:
    texts: list[str] = []
    accepted: list[str] = []
    errors = Counter[str]()
    seen = 0
    with scratch(Settings()) as engine:
        for batch in read(
            task.source, format=form, profile=profile, limits=ReadLimits(), first_record=seen + 1, engine=engine
        ):
            assert batch.seen == batch.values.users.height + batch.refused.height
            seen += batch.seen
            rows = batch.write_texts(batch.values.users["record"])
            texts += rows["text"].to_list()
            errors.update(batch.errors["code"].to_list())
            if rules is not None:
                canonical = normalise(batch.values, engine=engine, profile=profile, layout=batch.layout)
                verdicts = validate(canonical, rules=rules)
                errors.update(verdicts.errors["code"].to_list())
                rows = rows.join(verdicts.accepted.select("record"), on="record", how="semi", maintain_order="left")
            accepted += rows["text"].to_list()
    return Result(
        status="read",
        rows=len(accepted),
        refused=seen - len(accepted),
        row_errors=dict(errors),
        altered=count_altered(texts, task.path, form=form, seen=seen),
        texts=tuple(accepted) if task.keep_texts else (),
    )


def _own_columns(task: Task, form: str) -> Profile:
    """Return a profile whose fields have the names of the file's columns."""
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
