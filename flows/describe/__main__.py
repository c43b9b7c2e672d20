"""Run `python -m flows.describe`."""

from flows.report.command_line import run

run("flows.describe.cli")
