"""Run `python -m flows.api`."""

from flows.report.command_line import run

run("flows.api.cli")
