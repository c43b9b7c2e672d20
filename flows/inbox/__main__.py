"""Run `python -m flows.inbox`."""

from flows.report.command_line import run

run("flows.inbox.cli")
