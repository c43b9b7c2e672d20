"""The scoreboard counts the results of files and names those that are wrong."""

import subprocess
import sys
from pathlib import Path


def score(folder: Path, kind: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.scoreboard", "--score", kind, str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_files_with_the_expected_result_are_counted(tmp_path: Path) -> None:
    (tmp_path / "y_one.json").write_text('[{"email":"ann@example.com"}]')
    (tmp_path / "n_one.json").write_text("[1,]")
    (tmp_path / "i_one.json").write_bytes(b'["\xff"]')
    done = score(tmp_path, "json-test-suite")
    assert done.returncode == 0, done.stdout
    assert " | as JSON | 3 | 2 | 1 | 1 (NOT_AN_OBJECT 1) | 1 (FILE_SYNTAX 1) | 0 | 0 | 0 | 0 | " in done.stdout


def test_a_file_with_another_result_is_named(tmp_path: Path) -> None:
    (tmp_path / "n_one.json").write_text('[{"email":"ann@example.com"}]')
    done = score(tmp_path, "json-test-suite")
    assert done.returncode == 1
    assert "n_one.json: not refused but read" in done.stdout
