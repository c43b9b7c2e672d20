"""Make the input files and databases of the runs, once per folder."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import duckdb

from tests.benchmarks.processes import run_tool
from tests.benchmarks.scenarios import Run
from tests.benchmarks.tools import TOOLS, Layout
from tests.benchmarks.users import write_users
from tests.benchmarks.variants import VARIANTS

EDITION = 1  # of the users in a file; the users in the table have edition 0


@dataclass(frozen=True)
class Material:
    """A folder of input files and databases; existing ones are used as they are."""

    folder: Path

    def get_file(self, run: Run) -> Path:
        """Return the file of users for a run."""
        share = f"{run.faulty:.0%}".removesuffix("%")
        path = self.folder / f"{run.users}-users-{share}-percent-faulty-of-{run.existing}.ndjson"
        self.folder.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            write_file(path, partial(write_run, run=run))
        if not run.variant:
            return path
        ending, write = VARIANTS[run.variant]
        varied = path.with_name(f"{path.stem}-{run.variant.replace(' ', '-')}.{ending}")
        return varied if varied.exists() else write_file(varied, partial(write, path))

    def get_database(self, run: Run) -> Path | None:
        """Return the database that the run starts with; None for an empty one."""
        layout = run.tool.layout
        if not run.existing or not layout.users:
            return None
        product = self._get_product_database(run.existing)
        return convert_database(product, layout) if layout.build else product

    def _get_product_database(self, existing: int) -> Path:
        """Return a database into which the product has imported the users."""
        path = self.folder / f"base-{existing}" / "users.duckdb"
        if not path.exists():
            file = write_users(self.folder / "existing.ndjson", existing)
            temp_path = path.parent / "draft" / path.name
            run_tool(TOOLS["ours"], file, database=temp_path, mode="insert")
            temp_path.rename(path)
            shutil.rmtree(temp_path.parent)  # with the job's folder
            file.unlink()
        return path


def convert_database(product: Path, layout: Layout) -> Path:
    """Copy the users of the product's database to a database beside it with another layout, and return its path."""
    path = product.with_name(f"{layout.name}.duckdb")
    if not path.exists():
        temp_path = path.with_suffix(".draft")
        temp_path.unlink(missing_ok=True)
        with duckdb.connect(str(temp_path)) as connection:
            connection.execute("attach '" + str(product).replace("'", "''") + "' as base (read_only)")
            connection.execute(layout.build)
        temp_path.rename(path)
    return path


def write_file(path: Path, write: Callable[[Path], object]) -> Path:
    """Write a file, which gets its name once it is complete."""
    temp_path = path.with_suffix(".draft")
    write(temp_path)
    return temp_path.rename(path)


def write_run(path: Path, run: Run) -> Path:
    """Write the users of a run as NDJSON."""
    return write_users(path, run.users, faulty=run.faulty, existing=run.existing, edition=EDITION)
