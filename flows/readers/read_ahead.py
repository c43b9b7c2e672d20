"""Reads the next batch while the one before is worked on."""

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

from flows.readers.batch import Batch


def read_ahead(batches: Generator[Batch, None, None]) -> Generator[Batch, None, None]:
    """The same batches; what reading the next one raises comes after the one before."""
    with closing(batches), ThreadPoolExecutor(1, "read-ahead") as reader:
        coming = reader.submit(next, batches, None)
        while (batch := coming.result()) is not None:
            coming = reader.submit(next, batches, None)
            yield batch
