"""The command `user-import`: an import, and what the other packages add to it."""

from typing import TYPE_CHECKING, NoReturn

from flows.report.command_line import run

if TYPE_CHECKING:
    from cyclopts import App


def load() -> "App":
    """Import the commands."""
    from importlib.metadata import version

    from cyclopts import App

    from flows import connections
    from flows.import_users.cli import app as import_app
    from flows.jobs.cli import app as jobs

    app = App(
        name="user-import",
        help="Import users in bulk: every fault of a row with its line, one transaction, undo.",
        version=lambda: version("user-import"),
        default_parameter=import_app.default_parameter,
        suppress_keyboard_interrupt=False,
    )
    app.command(import_app, name="import")
    app.command(jobs, name="jobs")
    app.command(connections.app, name="connections")
    app.register_install_completion_command()
    return app


def main() -> NoReturn:
    """Run the command on the arguments of this process."""
    run(load)


if __name__ == "__main__":
    main()
