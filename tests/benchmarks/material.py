"""The files and databases that runs begin with, made once per folder and kept there."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import duckdb

from tests.benchmarks.processes import run
from tests.benchmarks.scenarios import Run
from tests.benchmarks.tools import TOOLS, Layout
from tests.benchmarks.users import write_users

EDITION = 1  # of the users in a file; those in the table are edition 0


@dataclass(frozen=True)
class Material:
    """A folder of what runs begin with; what is there is taken as it is."""

    folder: Path

    def file(self, wanted: Run) -> Path:
        """The users of a run."""
        share = f"{wanted.faulty:.0%}".removesuffix("%")
        path = self.folder / f"{wanted.users}-users-{share}-percent-faulty-of-{wanted.existing}.ndjson"
        self.folder.mkdir(parents=True, exist_ok=True)
        return path if path.exists() else write_whole(path, wanted)

    def base(self, wanted: Run) -> Path | None:
        """The database that the run's tool finds; none where it finds none."""
        layout = wanted.tool.layout
        if not wanted.existing or not layout.users:
            return None
        product = self._product(wanted.existing)
        return laid_out(product, layout) if layout.build else product

    def _product(self, existing: int) -> Path:
        """A database into which the product has imported the users."""
        path = self.folder / f"base-{existing}" / "users.duckdb"
        if not path.exists():
            file = write_users(self.folder / "existing.ndjson", existing)
            draft = path.parent / "draft" / path.name
            run(TOOLS["ours"], file, database=draft, mode="insert")
            draft.rename(path)
            shutil.rmtree(draft.parent)  # with the job's folder
            file.unlink()
        return path


def laid_out(product: Path, layout: Layout) -> Path:
    """The users of the product's database in a database beside it, as the layout has them."""
    path = product.with_name(f"{layout.name}.duckdb")
    if not path.exists():
        draft = path.with_suffix(".draft")
        draft.unlink(missing_ok=True)
        with duckdb.connect(str(draft)) as connection:
            connection.execute("attach '" + str(product).replace("'", "''") + "' as base (read_only)")
            connection.execute(layout.build)
        draft.rename(path)
    return path


def write_whole(path: Path, wanted: Run) -> Path:
    """The file, under its name only when it is whole."""
    draft = path.with_suffix(".draft")
    write_users(draft, wanted.users, faulty=wanted.faulty, existing=wanted.existing, edition=EDITION)
    return draft.rename(path)
