"""Run `python -m flows.jobs`."""

from flows.report.command_line import run

run("flows.jobs.cli")
