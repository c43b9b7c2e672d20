"""Lists that commands print: a table on a terminal of 80 columns, tab-separated lines in a pipe."""

import subprocess
import sys

import pytest
from inline_snapshot import snapshot

from flows.report.printing import format_cell, print_json, print_table

COLUMNS = ("job", "created", "what", "result")
ROWS = [
    (
        "11111111-2222-4333-8444-555555555555",
        "2026-01-01 00:00:00",
        "upsert, crm-eu",
        "failed: 0 inserted, 12 failed of 12",
    ),
    ("22222222-2222-4333-8444-555555555555", "2026-01-02 00:00:00", "insert (dry run), [b]", "running"),
]


def test_list_is_a_table_that_keeps_the_first_column_whole(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "dumb")  # 80 columns, no colours
    monkeypatch.delenv("COLUMNS", raising=False)
    print_table(COLUMNS, ROWS)
    assert capsys.readouterr().out == snapshot("""\
┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━┳━━━━━━━━━━━━━┳━━━━━━━━━━━━┓
┃ job                                  ┃ created    ┃ what        ┃ result     ┃
┡━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━╇━━━━━━━━━━━━━╇━━━━━━━━━━━━┩
│ 11111111-2222-4333-8444-555555555555 │ 2026-01-01 │ upsert,     │ failed: 0  │
│                                      │ 00:00:00   │ crm-eu      │ inserted,  │
│                                      │            │             │ 12 failed  │
│                                      │            │             │ of 12      │
│ 22222222-2222-4333-8444-555555555555 │ 2026-01-02 │ insert (dry │ running    │
│                                      │ 00:00:00   │ run), [b]   │            │
└──────────────────────────────────────┴────────────┴─────────────┴────────────┘
""")


def test_list_in_a_pipe_is_tab_separated(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(COLUMNS, ROWS)
    assert capsys.readouterr().out == snapshot("""\
job	created	what	result
11111111-2222-4333-8444-555555555555	2026-01-01 00:00:00	upsert, crm-eu	failed: 0 inserted, 12 failed of 12
22222222-2222-4333-8444-555555555555	2026-01-02 00:00:00	insert (dry run), [b]	running
""")


def test_json_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"name": "Jörg\n", "none": None})
    assert capsys.readouterr().out == snapshot('{"name": "Jörg\\n", "none": null}\n')


@pytest.mark.parametrize(("value", "cell"), [(None, ""), (0, "0"), ("a\tb\nc", "a b c")])
def test_cell_is_text_on_one_line(value: object, cell: str) -> None:
    assert format_cell(value) == cell


def test_printing_imports_rich_only_for_a_table() -> None:
    code = "import sys, flows.report.printing; print('rich' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
