"""Run `python -m flows.jobs`."""

from flows.jobs.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
