"""Run `python -m flows.inbox`."""

from typing import TYPE_CHECKING

from flows.report.command_line import run

if TYPE_CHECKING:
    from cyclopts import App


def load() -> "App":
    """Import the command."""
    from flows.inbox.cli import app

    return app


if __name__ == "__main__":
    run(load)
