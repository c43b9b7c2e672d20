"""Run `python -m flows.import_users`."""

from typing import TYPE_CHECKING

from flows.report.command_line import run

if TYPE_CHECKING:
    from cyclopts import App


def load() -> "App":
    """Import the command, within `run` so that Ctrl-C meanwhile ends it quietly."""
    from flows.import_users.cli import app

    return app


if __name__ == "__main__":
    run(load)
