"""What is right for the files of known corpora. A scorer lists tasks and says of each trip what was wrong with it."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

from tests.scoreboard.expectations import Expected, any_end
from tests.scoreboard.texts import in_every_format, utf8_sequences
from tests.scoreboard.trips import Task, Trip

SYNTAX = {"FILE_SYNTAX", "FILE_EMPTY", "FILE_FORMAT"}
UNREADABLE = {"MALFORMED_RECORD", "NOT_AN_OBJECT", "INVALID_TEXT", "TOO_DEEP", "TOO_LARGE"}


def files_of(folder: Path) -> list[Path]:
    """The files of a corpus; its licence and its note are none."""
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "SOURCE.md" and not path.name.startswith("LICENCE")
    ]


def whatever(folder: Path, _: Path) -> Iterator[Expected]:
    """Every file as a user would give it, and tables also with whatever columns they have."""
    for path in files_of(folder):
        yield Expected(Task(path=path), any_end, "as it is")
        if not path.name.endswith((".json", ".ndjson", ".jsonl")):
            yield Expected(Task(path=path, own_columns=True), any_end, "own columns")


def json_grammar(folder: Path, _: Path) -> Iterator[Expected]:
    """Names tell: n_ and fail must be refused, saying where; y_ and pass break no grammar; i_ may do either."""
    for path in files_of(folder):
        judge = _json_judge(path.name)
        yield Expected(Task(path=path, format="json", name=f"{path.stem}.json"), judge, "as JSON")
        content = path.read_bytes().strip()
        if b"\n" not in content and b"\r" not in content:
            yield Expected(
                Task(path=path, format="ndjson", name=f"{path.stem}.ndjson"), _line_judge(judge), "as NDJSON"
            )


def _json_judge(name: str) -> Callable[[Trip], str]:
    if name.startswith("n_") or (name.startswith("fail") and name not in ("fail01.json", "fail18.json")):
        return _must_be_refused
    return _must_not_be_broken if name.startswith(("y_", "pass", "fail")) else any_end


def _must_be_refused(trip: Trip) -> str:
    if trip.status != "refused" or trip.code not in SYNTAX:
        return f"not refused but {trip.status}"
    return "" if re.search(r"byte \d+", trip.message) else f"refused without a position: {trip.message}"


def _must_not_be_broken(trip: Trip) -> str:
    broken = trip.code == "FILE_SYNTAX" or "MALFORMED_RECORD" in trip.row_errors
    return any_end(trip) or ("said to break the grammar" if broken else "")


def _line_judge(judge: Callable[[Trip], str]) -> Callable[[Trip], str]:
    """A bad line is a refused row, and an empty file has no record to refuse."""
    if judge is not _must_be_refused:
        return judge
    return lambda trip: any_end(trip) or ("read as a record" if trip.rows else "")


def csv_spectrum(folder: Path, _: Path) -> Iterator[Expected]:
    """Each table must give the records that stand beside it, its empty cells left out.

    Where what stands beside it is not in the table at all, nothing is expected: the corpus contradicts itself in two.
    """
    for path in sorted((folder / "csvs").glob("*.csv")):
        wanted = json.loads((folder / "json" / f"{path.stem}.json").read_text(encoding="utf-8"))
        wanted = [wanted] if isinstance(wanted, dict) else wanted
        task = Task(path=path, own_columns=True, keep_texts=True)
        raw = path.read_bytes().decode().replace('""', '"')
        is_there = all(cell in raw for record in wanted for cell in record.values())
        yield Expected(task, partial(_must_equal, wanted=wanted) if is_there else any_end)


def _must_equal(trip: Trip, *, wanted: list[dict[str, str]]) -> str:
    filled = [{key: value for key, value in record.items() if value} for record in wanted]
    found = [json.loads(text) for text in trip.texts]
    return any_end(trip) or ("" if found == filled and not trip.row_errors else f"{found} is not {filled}")


def naughty_strings(folder: Path, scratch: Path) -> Iterator[Expected]:
    """Each string comes back from every format as it was, or refuses its record."""
    yield from in_every_format(json.loads((folder / "blns.json").read_text(encoding="utf-8")), scratch, label="strings")


def injections(folder: Path, scratch: Path) -> Iterator[Expected]:
    """Each line is a value, the name of a column, and the name of a file that is not there."""
    lines = [line for path in files_of(folder) for line in path.read_text(errors="replace").splitlines()]
    yield from in_every_format(lines, scratch, label="lines")
    for number, line in enumerate(dict.fromkeys(line.strip() for line in lines if line.strip())):
        table = scratch / f"{number}.csv"
        cell = line.replace('"', '""')
        table.write_text(f'email,"{cell}"\na@b.c,x\n', encoding="utf-8")
        yield Expected(Task(path=table, keep_texts=True), _is_unknown_column, "as columns")
        if not Path(scratch, line.partition("\0")[0]).exists():  # a file that is named is a file that is meant
            yield Expected(Task(path=scratch, argument=line), _is_no_file, "as files")


def _is_unknown_column(trip: Trip) -> str:
    return "" if trip.row_errors == {"UNKNOWN_FIELD": 1} else f"{trip.status} {trip.row_errors}"


def _is_no_file(trip: Trip) -> str:
    return "" if trip.code in ("FILE_NOT_FOUND", "FILE_UNREADABLE", "FILE_EMPTY") else f"{trip.status} {trip.code}"


SCORERS: Mapping[str, Callable[[Path, Path], Iterator[Expected]]] = {
    "whatever": whatever,
    "json-test-suite": json_grammar,
    "jsonchecker": json_grammar,
    "csv-spectrum": csv_spectrum,
    "utf8-tests": utf8_sequences,
    "blns": naughty_strings,
    "injection-paths": injections,
    "csv-injection": injections,
}
