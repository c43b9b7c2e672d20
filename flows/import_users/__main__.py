"""Run `python -m flows.import_users`: parse, import, print, exit. Nothing else belongs here."""

if __name__ == "__main__":
    import gc
    import os
    import sys
    from contextlib import suppress

    from schemas.faults import ExitCode

    gc.set_threshold(200_000)  # the imports make objects and no garbage: looking for it is a tenth of the start
    try:
        from flows.import_users.cli import main

        code = main()
    except KeyboardInterrupt:  # before there was anything to cancel
        code = ExitCode.CANCELED
    for stream in (sys.stdout, sys.stderr):
        with suppress(BrokenPipeError):  # who read it has left; what is still held for him is nobody's
            stream.flush()
    os._exit(code)  # threads that Prefect leaves behind would cost half a second, and DuckDB complains of them
