"""The process that decodes a Parquet file: what ends it costs the file only, and it ends with the import."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flows.readers.decoder import parent
from flows.readers.decoder.parent import decoding
from flows.readers.limits import ReadLimits
from flows.readers.parquet.reader import PARQUET
from flows.readers.parquet.size_guards import read_page_sizes
from flows.settings import Settings
from schemas.codes import ErrorCode
from schemas.faults import Canceled, FileFault
from schemas.job import JobStatus
from tests.flows.importing import import_file, read_users
from tests.flows.readers.outcomes import Reader
from tests.flows.readers.parquet.encrypted import encrypt

USERS = pa.table({"email": ["ann@x.example"], "name": ["Ann"], "user_id": ["1"]})


@pytest.mark.parametrize("columns", [("email",), ("name",), ("user_id", "name")])
@pytest.mark.parametrize("plaintext_footer", [True, False])
def test_an_encrypted_file_is_named_as_such(plaintext_footer: bool, columns: tuple[str, ...], reader: Reader) -> None:
    content = encrypt(USERS, columns, plaintext_footer=plaintext_footer)
    fault = reader.fault(content, "users.parquet")
    assert (fault.code, fault.message) == (ErrorCode.FILE_FORMAT, "users.parquet is encrypted")


@pytest.mark.parametrize(
    ("program", "how"),
    [
        ("import os; os.abort()", "signal 6"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "signal 11"),
        ("import os; os._exit(3)", "exit code 3"),
        ("print('not a stream')", "exit code 0"),
        ("import sys; print('x' * 100_000, file=sys.stderr); sys.exit(1)", "exit code 1"),
    ],
)
def test_a_decoder_that_ends_too_early_refuses_the_file(
    program: str, how: str, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parent, "_PROGRAM", program)
    fault = reader.fault(content_of(USERS), "users.parquet")
    assert (fault.code, how in fault.message) == (ErrorCode.FILE_SYNTAX, True)


@pytest.mark.parametrize(
    "program",
    ["import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "raise MemoryError", "bytearray(1 << 60)"],
)
def test_a_decoder_without_memory_is_not_blamed_on_the_file(
    program: str, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parent, "_PROGRAM", program)
    with pytest.raises(MemoryError):
        reader.read(content_of(USERS), "users.parquet")


def test_a_crash_between_two_batches_is_not_the_end_of_the_file(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = parent._PROGRAM.replace(
        "importlib.import_module(module).main(*request)",
        "import os, pyarrow as pa; from flows.readers.parquet import decoder_process as process\n"
        "class Stream:\n"
        "    def __init__(self, sink, schema):\n"
        "        self.stream, self.sink = pa.RecordBatchStreamWriter(sink, schema), sink\n"
        "    def __enter__(self): return self\n"
        "    def __exit__(self, *_): os.abort()\n"
        "    def write_batch(self, batch): self.stream.write_batch(batch); self.sink.flush()\n"
        "process.pa.ipc.new_stream = Stream; process.main(*request)",
    )
    monkeypatch.setattr(parent, "_PROGRAM", program)
    fault = reader.fault(content_of(USERS), "users.parquet")
    assert (fault.code, "signal 6" in fault.message) == (ErrorCode.FILE_SYNTAX, True)


def test_a_decoder_that_hangs_is_stopped(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parent, "_PROGRAM", "import time; time.sleep(60)")
    source = reader.source(content_of(USERS), "users.parquet")

    def stop() -> None:
        raise Canceled(ErrorCode.CANCELED, "stopped")

    began = time.monotonic()
    with pytest.raises(Canceled), decoding(source, PARQUET, limits=ReadLimits(), waiting=stop):
        pass
    assert time.monotonic() - began < 10


def test_a_job_with_a_decoder_that_hangs_ends_at_its_time_limit(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parent, "_PROGRAM", "import time; time.sleep(60)")
    path = settings.database.parent / "users.parquet"
    path.write_bytes(content_of(USERS))
    began = time.monotonic()
    job = import_file(replace(settings, time_limit_seconds=1), path)
    assert (job.status, job.fault and job.fault["code"]) == (JobStatus.FAILED, "TIMED_OUT")
    assert time.monotonic() - began < 30


def test_one_file_that_crashes_its_decoder_refuses_a_folder_as_any_bad_file_does(settings: Settings) -> None:
    folder = settings.database.parent / "sources"
    folder.mkdir()
    (folder / "1.parquet").write_bytes(content_of(USERS))
    (folder / "2.parquet").write_bytes(encrypt(USERS, ("name",), plaintext_footer=True))
    job = import_file(settings, folder)
    assert (job.status, job.fault and job.fault["code"]) == (JobStatus.FAILED, "FILE_FORMAT")
    assert read_users(settings) == []
    (folder / "2.parquet").unlink()
    assert import_file(settings, folder).inserted == 1


def test_no_process_remains_when_the_reader_stops_early(reader: Reader) -> None:
    source = reader.source(content_of(many_users()), "users.parquet")
    with decoding(source, PARQUET, limits=ReadLimits(batch_rows=10), waiting=lambda: None) as opened:
        assert next(opened.batches()).num_rows == 10
        process = opened._process
    assert process.returncode == -signal.SIGKILL


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_decoder_ends_with_the_process_that_started_it(number: signal.Signals, reader: Reader) -> None:
    source = reader.source(content_of(many_users()), "users.parquet")
    program = (
        "import sys, time; from pathlib import Path; from flows.readers.limits import ReadLimits\n"
        "from flows.readers.decoder.parent import decoding; from flows.readers.parquet.reader import PARQUET\n"
        "from flows.readers.sources import Source\n"
        f"source = Source('users.parquet', Path({str(source.path)!r}), {source.size})\n"
        "with decoding(source, PARQUET, limits=ReadLimits(batch_rows=10), waiting=lambda: None) as opened:\n"
        "    next(opened.batches()); print(opened._process.pid, flush=True); time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        decoder_id = int(process.stdout.readline())
        assert is_running(decoder_id)
        process.send_signal(number)
    deadline = time.monotonic() + 10
    while is_running(decoder_id) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_running(decoder_id)


def test_signals_of_the_terminal_do_not_reach_the_decoder(reader: Reader) -> None:
    source = reader.source(content_of(many_users()), "users.parquet")
    with decoding(source, PARQUET, limits=ReadLimits(batch_rows=10), waiting=lambda: None) as opened:
        batches = opened.batches()
        next(batches)
        assert os.getsid(opened._process.pid) != os.getsid(0)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            opened._process.send_signal(number)
        assert 10 + sum(batch.num_rows for batch in batches) == opened.rows


def test_nothing_of_the_decoder_appears_on_the_terminal(reader: Reader, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(FileFault):
        reader.read(encrypt(USERS, ("name",), plaintext_footer=True), "users.parquet")
    assert capfd.readouterr() == ("", "")


def test_a_page_header_of_an_endless_integer_is_not_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "users.parquet"
    pq.write_table(USERS, path)
    chunk = pq.ParquetFile(path).metadata.row_group(0).column(0)
    path.write_bytes(b"PAR1" + b"\xff" * (8 << 20))
    began = time.monotonic()
    with path.open("rb") as file:
        assert [*read_page_sizes(file, chunk)] == []
    assert time.monotonic() - began < 1


def content_of(table: pa.Table) -> bytes:
    file = BytesIO()
    pq.write_table(table, file)
    return file.getvalue()


def many_users() -> pa.Table:
    """Return more users than the pipe and the buffers hold."""
    return pa.table({"email": [f"{number:05}{'x' * 200}@x.example" for number in range(50_000)]})


def is_running(process_id: int) -> bool:
    try:
        state = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"
