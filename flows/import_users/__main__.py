"""Run `python -m flows.import_users`."""

from flows.report.command_line import run

run("flows.import_users.cli")
