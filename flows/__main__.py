"""The command `user-import`: an import, and the commands of the other entry points."""

from importlib.metadata import version
from typing import NoReturn

from cyclopts import App

from flows import connections
from flows.api import cli as api
from flows.api import stage
from flows.describe import profiles, records
from flows.import_users import cli as import_users
from flows.jobs import cli as jobs
from flows.report.command_line import run

app = App(
    name="user-import",
    help="Import users in bulk: every fault of a row with its line, one transaction, undo.",
    version=lambda: version("user-import"),
    suppress_keyboard_interrupt=False,
)
app.command(import_users.app, name="import")
app.command(jobs.app, name="jobs")
app.command(connections.app, name="connections")
app.command(profiles.app, name="profiles")
app.command(api.tokens, name="tokens")
app.command(api.serve)
app.command(stage.app, name="stage")
app.command(records.schema)
app.command(records.template)
app.register_install_completion_command()


def main() -> NoReturn:
    """Run the command on the arguments of this process."""
    run("flows.__main__")


if __name__ == "__main__":
    main()
