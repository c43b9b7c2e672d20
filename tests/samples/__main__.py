"""Write `data/samples` with `python -m tests.samples`: clean and faulty users in each format, with expected errors."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tests.samples.people import CLEAN, FAULTY, Faulty

FOLDER = Path(__file__).resolve().parent.parent.parent / "data" / "samples"
NESTED = ("custom_password_hash", "app_metadata", "user_metadata", "mfa_factors", "roles", "groups", "identities")


def main() -> None:
    """Write every sample file."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    clean = [Faulty(record) for record in CLEAN]
    for name, people in (("users", clean), ("faulty", FAULTY)):
        _write(f"{name}.json", people, *_json(people))
        _write(f"{name}.ndjson", people, *_ndjson(people))
        in_cells = [person for person in people if person.in_cells and person.raw is None]
        _write(f"{name}.csv", in_cells, *_csv(in_cells))
        _write_parquet(f"{name}.parquet", in_cells)


def _write(name: str, people: Sequence[Faulty], text: str, lines: Sequence[int]) -> None:
    (FOLDER / name).write_text(text, encoding="utf-8", newline="")
    _write_expected_errors(name, [person for person in people if person.raw is None or name.endswith(".ndjson")], lines)


def _write_expected_errors(name: str, people: Sequence[Faulty], lines: Sequence[int | None]) -> None:
    if not any(person.errors for person in people):
        return
    errors = [
        {"record": record, "line": line, "code": code, "path": path}
        for record, (person, line) in enumerate(zip(people, lines, strict=True), 1)
        for code, path in person.errors
    ]
    expected = "".join(json.dumps(error) + "\n" for error in errors)
    (FOLDER / f"{name}.expected.ndjson").write_text(expected, encoding="utf-8")


def _json(people: Sequence[Faulty]) -> tuple[str, list[int]]:
    records = [person.record for person in people if person.raw is None]
    text = "[\n" + ",\n".join(f"  {json.dumps(record, ensure_ascii=False)}" for record in records) + "\n]\n"
    return text, list(range(2, len(records) + 2))


def _ndjson(people: Sequence[Faulty]) -> tuple[str, list[int]]:
    lines = [person.raw or json.dumps(person.record, ensure_ascii=False) for person in people]
    return "\n".join(lines) + "\n", list(range(1, len(lines) + 1))


def _csv(people: Sequence[Faulty]) -> tuple[str, list[int]]:
    columns = _columns(people)
    path = FOLDER / "temporary.csv"
    lines = []
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for person in people:
            file.flush()
            lines.append(path.read_text(encoding="utf-8").count("\n") + 1)
            writer.writerow([_cell(person.record.get(column)) for column in columns])
    text = path.read_bytes().decode()
    path.unlink()
    return text, lines


def _write_parquet(name: str, people: Sequence[Faulty]) -> None:
    columns = {column: _values(people, column) for column in _columns(people)}
    pq.write_table(pa.Table.from_pydict(columns), FOLDER / name)
    _write_expected_errors(name, people, [None] * len(people))


def _columns(people: Sequence[Faulty]) -> list[str]:
    return list(dict.fromkeys(column for person in people for column in person.record))


def _cell(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _values(people: Sequence[Faulty], column: str) -> list[object]:
    """Return the values of a column, as text if they are nested or of more than one type."""
    values = [person.record.get(column) for person in people]
    if column in NESTED or len({type(value) for value in values} - {type(None)}) > 1:
        return [None if value is None else _cell(value) for value in values]
    return values


if __name__ == "__main__":
    main()
