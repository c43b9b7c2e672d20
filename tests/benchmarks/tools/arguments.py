"""Parse the command line that every script of this package has."""

import argparse
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Arguments:
    """The arguments of a script."""

    file: Path
    database: Path
    mode: str


def parse_arguments() -> Arguments:
    """Return the arguments of this process."""
    parser = argparse.ArgumentParser()
    parser.add_argument("file", type=Path)
    parser.add_argument("--database", type=Path, required=True)
    parser.add_argument("--mode", choices=("insert", "upsert"), default="insert")
    given = parser.parse_args()
    return Arguments(given.file, given.database, given.mode)
