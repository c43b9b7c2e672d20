"""Run `python -m flows.import_users`."""

from flows.report.command_line import run

if __name__ == "__main__":
    run("flows.import_users.cli")
