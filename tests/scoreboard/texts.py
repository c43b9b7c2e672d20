"""Write texts in every format: each is read unchanged or refused with a code, and the records around it are intact."""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from unicodedata import category

import pyarrow as pa
import pyarrow.parquet as pq

from tests.scoreboard.expectations import Expected
from tests.scoreboard.tasks import Result, Task

REPLACEMENT = "\ufffd"  # valid, but a trace of a failed decoding: refused as well
NEIGHBOUR = "neighbour"


def in_every_format(texts: Sequence[str], scratch: Path, *, label: str) -> Iterator[Expected]:
    """Yield one file per format, with a record for each text and a plain record after it."""
    names = [name for text in texts for name in (text, NEIGHBOUR)]
    records = [{"email": f"u{at}@example.com", "name": name} for at, name in enumerate(names)]
    for name, content in _files(records).items():
        path = scratch / f"{label}.{name}"
        path.write_bytes(content)
        task = Task(path=path, keep_texts=True)
        yield Expected(task, lambda result: _is_unchanged(result, texts), f"{label} in {name}")


def _files(records: list[dict[str, str]]) -> dict[str, bytes]:
    table = io.StringIO(newline="")
    writer = csv.DictWriter(table, ["email", "name"], quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows(records)
    columns = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(records), columns)
    return {
        "json": json.dumps(records, indent=2).encode(),
        "ndjson": "\n".join(json.dumps(record, ensure_ascii=False) for record in records).encode(),
        "csv": table.getvalue().encode(),
        "parquet": columns.getvalue(),
    }


def _is_unchanged(result: Result, texts: Sequence[str]) -> str:
    found = [json.loads(text).get("name", "") for text in result.texts]
    others = [name for name in found if name != NEIGHBOUR]
    if result.status != "read" or found.count(NEIGHBOUR) != len(texts):
        return f"{result.status}, {len(texts) - found.count(NEIGHBOUR)} neighbours lost or changed"
    if not set(others) <= set(texts):
        return f"changed: {set(others) - set(texts)}"
    return "" if len(others) + result.refused == len(texts) else f"{len(texts) - len(others) - result.refused} lost"


def utf8_sequences(folder: Path, scratch: Path) -> Iterator[Expected]:
    """Put each sequence of bytes in a line and in a cell: valid ones are unchanged, the others refuse their record."""
    cases = list(_cases(folder / "utf8tests.txt"))
    for name, before, after, head in (
        ("ndjson", b'{"email":"a@b.c","name":"', b'"}', b""),
        ("csv", b'a@b.c,"', b'"', b"email,name\n"),
    ):
        usable = [(data, valid) for data, valid in cases if not any(byte < 0x20 or byte in b'"\\' for byte in data)]
        path = scratch / f"utf8.{name}"
        neighbour = before + NEIGHBOUR.encode() + after + b"\n"
        path.write_bytes(head + b"".join(before + data + after + b"\n" + neighbour for data, _ in usable))
        valid = [data.decode() for data, valid in usable if valid]
        yield Expected(
            Task(path=path, keep_texts=True),
            partial(_only_valid, valid=valid, total=len(usable)),
            f"sequences in {name}",
        )


def _cases(path: Path) -> Iterator[tuple[bytes, bool]]:
    for line in path.read_text(encoding="ascii").splitlines():
        parts = line.split(":")
        if not line.startswith("#") and len(parts) > 2:
            data = bytes.fromhex(parts[2]) if parts[1].endswith("hex") else parts[2].encode()
            text = data.decode(errors="replace")
            is_clean = REPLACEMENT not in text and not any(category(character) == "Cc" for character in text)
            yield data, parts[1].startswith("valid") and is_clean


def _only_valid(result: Result, *, valid: list[str], total: int) -> str:
    found = [json.loads(text).get("name", "") for text in result.texts]
    right = [name for name in found if name != NEIGHBOUR] == valid and found.count(NEIGHBOUR) == total
    refused = {"INVALID_TEXT": total - len(valid)}
    return "" if right and result.row_errors == refused else f"{result.status} {result.row_errors}, not {refused}"
