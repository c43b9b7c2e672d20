"""The results that the files of known corpora must have. A scorer yields tasks with the checks of their results."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

from tests.scoreboard.expectations import Expected, any_end
from tests.scoreboard.tasks import Result, Task
from tests.scoreboard.texts import in_every_format, utf8_sequences

SYNTAX = {"FILE_SYNTAX", "FILE_EMPTY", "FILE_FORMAT"}
UNREADABLE = {"MALFORMED_RECORD", "NOT_AN_OBJECT", "INVALID_TEXT", "TOO_DEEP", "TOO_LARGE"}


def find_files(folder: Path) -> list[Path]:
    """Return the files of a corpus without its licence and its notes."""
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "SOURCE.md" and not path.name.startswith("LICENCE")
    ]


def any_files(folder: Path, _: Path) -> Iterator[Expected]:
    """Read every file as a user would, and tables also with their own columns as fields."""
    for path in find_files(folder):
        yield Expected(Task(path=path), any_end, "as it is")
        if not path.name.endswith((".json", ".ndjson", ".jsonl")):
            yield Expected(Task(path=path, own_columns=True), any_end, "own columns")


def json_grammar(folder: Path, _: Path) -> Iterator[Expected]:
    """Expect by name: n_ and fail are refused with a position, y_ and pass keep the grammar, i_ may do either."""
    for path in find_files(folder):
        check = _grammar_check(path.name)
        yield Expected(Task(path=path, format="json", name=f"{path.stem}.json"), check, "as JSON")
        content = path.read_bytes().strip()
        if b"\n" not in content and b"\r" not in content:
            yield Expected(
                Task(path=path, format="ndjson", name=f"{path.stem}.ndjson"), _line_check(check), "as NDJSON"
            )


def _grammar_check(name: str) -> Callable[[Result], str]:
    if name.startswith("n_") or (name.startswith("fail") and name not in ("fail01.json", "fail18.json")):
        return _must_be_refused
    return _must_not_be_broken if name.startswith(("y_", "pass", "fail")) else any_end


def _must_be_refused(result: Result) -> str:
    if result.status != "refused" or result.code not in SYNTAX:
        return f"not refused but {result.status}"
    has_place = result.code == "FILE_EMPTY" or re.search(r"byte \d+", result.message)
    return "" if has_place else f"refused without a position: {result.message}"


def _must_not_be_broken(result: Result) -> str:
    broken = result.code == "FILE_SYNTAX" or "MALFORMED_RECORD" in result.row_errors
    return any_end(result) or ("said to break the grammar" if broken else "")


def _line_check(check: Callable[[Result], str]) -> Callable[[Result], str]:
    """Return the check for a single line: a bad line is a refused row, and an empty file has no record to refuse."""
    if check is not _must_be_refused:
        return check
    return lambda result: any_end(result) or ("read as a record" if result.rows else "")


def csv_spectrum(folder: Path, _: Path) -> Iterator[Expected]:
    """Expect from each table the records of its JSON file, without empty cells.

    Nothing is expected where those are not in the table at all: the corpus contradicts itself in two cases.
    """
    for path in sorted((folder / "csvs").glob("*.csv")):
        wanted = json.loads((folder / "json" / f"{path.stem}.json").read_text(encoding="utf-8"))
        wanted = [wanted] if isinstance(wanted, dict) else wanted
        task = Task(path=path, own_columns=True, keep_texts=True)
        raw = path.read_bytes().decode().replace('""', '"')
        is_there = all(cell in raw for record in wanted for cell in record.values())
        yield Expected(task, partial(_must_equal, wanted=wanted) if is_there else any_end)


def _must_equal(result: Result, *, wanted: list[dict[str, str]]) -> str:
    filled = [{key: value for key, value in record.items() if value} for record in wanted]
    found = [json.loads(text) for text in result.texts]
    return any_end(result) or ("" if found == filled and not result.row_errors else f"{found} is not {filled}")


def naughty_strings(folder: Path, scratch: Path) -> Iterator[Expected]:
    """Expect each string unchanged from every format, or its record refused."""
    yield from in_every_format(json.loads((folder / "blns.json").read_text(encoding="utf-8")), scratch, label="strings")


def injections(folder: Path, scratch: Path) -> Iterator[Expected]:
    """Use each line as a value, as the name of a column, and as the name of a file that does not exist."""
    lines = [line for path in find_files(folder) for line in path.read_text(errors="replace").splitlines()]
    yield from in_every_format(lines, scratch, label="lines")
    for number, line in enumerate(dict.fromkeys(line.strip() for line in lines if line.strip())):
        table = scratch / f"{number}.csv"
        cell = line.replace('"', '""')
        table.write_text(f'email,"{cell}"\na@b.c,x\n', encoding="utf-8")
        yield Expected(Task(path=table, keep_texts=True), _is_unknown_column, "as columns")
        if not Path(scratch, line.partition("\0")[0]).exists():  # the line names a file that exists
            yield Expected(Task(path=scratch, argument=line), _is_no_file, "as files")


def _is_unknown_column(result: Result) -> str:
    return "" if result.row_errors == {"UNKNOWN_FIELD": 1} else f"{result.status} {result.row_errors}"


def _is_no_file(result: Result) -> str:
    return (
        "" if result.code in ("FILE_NOT_FOUND", "FILE_UNREADABLE", "FILE_EMPTY") else f"{result.status} {result.code}"
    )


SCORERS: Mapping[str, Callable[[Path, Path], Iterator[Expected]]] = {
    "whatever": any_files,
    "json-test-suite": json_grammar,
    "jsonchecker": json_grammar,
    "csv-spectrum": csv_spectrum,
    "utf8-tests": utf8_sequences,
    "blns": naughty_strings,
    "injection-paths": injections,
    "csv-injection": injections,
}
