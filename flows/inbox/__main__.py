"""Run `python -m flows.inbox`."""

from flows.report.command_line import run

if __name__ == "__main__":
    run("flows.inbox.cli")
