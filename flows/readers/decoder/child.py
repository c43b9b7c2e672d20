"""What a process does that decodes a file, whatever its format: write batches or a fault, and end with its parent.

Standard output is an Arrow stream of batches, with the number of `rows` in the metadata of its schema. What refuses the
file is written to standard error as one line of JSON. The end of standard input means that the parent process has
ended, however it ended. `flows.readers.decoder.parent` starts and stops this process.
"""

import json
import os
import resource
import signal
import threading
from collections.abc import Callable, Iterator
from io import BufferedWriter, FileIO

import pyarrow as pa

from flows.readers.limits import MIB, ReadLimits
from schemas.faults import FileFault


def run_decoder(write_batches: "Callable[[BufferedWriter[FileIO]], None]", *, most_memory: int | None = None) -> None:
    """Write the batches of a file to standard output, or what refuses it to standard error, and end the process.

    With `most_memory`, in bytes, the process ends when it needs more.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # the parent decides when to stop
    os.set_blocking(2, False)  # what the decoder writes there and nobody reads must not stop it
    threading.Thread(target=_end_with_parent, daemon=True).start()
    pa.set_memory_pool(pa.system_memory_pool())  # others keep memory that is free, and reserve address space
    if most_memory is not None:
        resource.setrlimit(resource.RLIMIT_DATA, (most_memory, most_memory))
    try:
        with BufferedWriter(FileIO(1, "wb", closefd=False), MIB) as output:
            write_batches(output)
    except FileFault as fault:
        os.write(2, f"\n{json.dumps([fault.code, fault.message, fault.hint])}".encode())
        os._exit(1)
    os._exit(0)


def _end_with_parent() -> None:
    os.read(0, 1)  # nothing is ever written: this returns at the end of the input
    os._exit(1)


def split_batch(records: pa.RecordBatch, *, limits: ReadLimits) -> Iterator[pa.RecordBatch]:
    """Yield parts that have one row or are no larger than a batch and a record may be."""
    if records.num_rows <= 1 or records.nbytes <= min(limits.batch_bytes, limits.record_bytes):
        yield records
        return
    half = records.num_rows // 2
    yield from split_batch(records.slice(0, half), limits=limits)
    yield from split_batch(records.slice(half), limits=limits)
