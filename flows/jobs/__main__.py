"""Run `python -m flows.jobs`."""

from flows.report.command_line import run

if __name__ == "__main__":
    run("flows.jobs.cli")
