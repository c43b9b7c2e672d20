"""Run `python -m flows.jobs`."""

from typing import TYPE_CHECKING

from flows.report.command_line import run

if TYPE_CHECKING:
    from cyclopts import App


def load() -> "App":
    """Import the commands."""
    from flows.jobs.cli import app

    return app


if __name__ == "__main__":
    run(load)
