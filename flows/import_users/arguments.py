"""The arguments of `python -m flows.import_users` and the job options that they make."""

import argparse

from flows.settings import memory_size
from schemas.job import KEYS, JobOptions, Mode, OnError

FORMATS = ("auto", "json", "ndjson", "csv", "parquet")


def add_arguments(parse: argparse.ArgumentParser) -> None:
    """Add every argument but the sources and the database."""
    _add_what_to_import(parse)
    _add_what_to_merge(parse)
    _add_how_to_update(parse)
    _add_how_to_run(parse)


def options_of(parse: argparse.ArgumentParser, arguments: argparse.Namespace) -> JobOptions:
    """What the job is asked to do; exits with 2 where the arguments cannot be meant."""
    _check_profile(parse, arguments.profile)
    return JobOptions(
        sources=tuple(arguments.sources),
        connection=arguments.connection,
        profile=arguments.profile,
        format=arguments.format,
        mode=Mode(arguments.mode),
        on_error=OnError(arguments.on_error),
        max_error_rate=arguments.max_error_rate,
        max_errors=arguments.max_errors,
        max_updates_rate=arguments.max_updates_rate,
        match_on=arguments.match_on,
        metadata=arguments.metadata,
        fill_only=arguments.fill_only,
        plan=arguments.plan,
        dry_run=arguments.dry_run,
        external_id=arguments.external_id,
        again=arguments.again,
        unknown_fields=arguments.unknown_fields,
        reset_unsupported_hashes=arguments.reset_unsupported_hashes,
    )


def _add_what_to_import(parse: argparse.ArgumentParser) -> None:
    group = parse.add_argument_group("what to import")
    group.add_argument("--connection", default="default", metavar="ID", help="the space the users belong to")
    group.add_argument(
        "--profile", default="auto", metavar="NAME", help="what the file calls the fields (default: auto)"
    )
    group.add_argument("--format", default="auto", choices=FORMATS, help="of the files (default: by name and content)")
    group.add_argument(
        "--unknown-fields",
        default="refuse",
        choices=("refuse", "ignore"),
        help="refuse a row with a field that the record does not have, or leave the field out with a warning",
    )
    group.add_argument(
        "--reset-unsupported-hashes",
        action="store_true",
        help="import a row whose only fault is its password hash without it; the user must reset the password",
    )


def _add_what_to_merge(parse: argparse.ArgumentParser) -> None:
    group = parse.add_argument_group("what to merge")
    group.add_argument(
        "--mode",
        default=Mode.INSERT.value,
        choices=[mode.value for mode in Mode],
        help="what a match with an existing user means: refuse the row, update or insert, update only",
    )
    group.add_argument(
        "--on-error",
        default=OnError.CONTINUE.value,
        choices=[choice.value for choice in OnError],
        help="what a refused row means: the others go on, or nothing is merged",
    )
    group.add_argument(
        "--max-error-rate",
        default=1.0,
        type=_rate,
        metavar="0.05",
        help="merge nothing above this share of refused rows",
    )
    group.add_argument("--max-errors", type=count, metavar="N", help="merge nothing above this number of refused rows")
    group.add_argument(
        "--max-updates-rate",
        default=1.0,
        type=_rate,
        metavar="0.1",
        help="merge nothing that would change more than this share of the connection's users",
    )
    group.add_argument("--dry-run", action="store_true", help="plan as for real, merge nothing")
    group.add_argument(
        "--plan", metavar="FILE", help="write what every row would do (.ndjson, .csv or .parquet), best with --dry-run"
    )
    group.add_argument("--again", action="store_true", help="import even what a completed job has already imported")


def _add_how_to_update(parse: argparse.ArgumentParser) -> None:
    group = parse.add_argument_group("how to match and update, in upsert and update mode")
    group.add_argument(
        "--match-on",
        default=KEYS,
        type=_keys,
        metavar="KEYS",
        help=f"by which keys a row may match a user, in order (default: {','.join(KEYS)}); two users matched refuse it",
    )
    group.add_argument(
        "--metadata",
        default="replace",
        choices=("replace", "merge"),
        help="replace the user's metadata by the row's, or merge them (RFC 7396: null removes a key)",
    )
    group.add_argument("--fill-only", action="store_true", help="set only what is empty today")


def _add_how_to_run(parse: argparse.ArgumentParser) -> None:
    group = parse.add_argument_group("how to run and report")
    group.add_argument("--external-id", metavar="TEXT", help="your own name for the job")
    group.add_argument(
        "--memory-limit",
        type=_size,
        metavar="SIZE",
        help="memory for finding duplicates and merging, more is spilled to the job's folder"
        " (default: 400MB; 1GB where records have more than 4 kB)",
    )
    group.add_argument("--json", action="store_true", help="print the summary as one JSON document")
    group.add_argument("--quiet", action="store_true", help="print faults only")
    group.add_argument(
        "--direct", action="store_true", help="run without Prefect: quicker, recorded in the database only"
    )


def _check_profile(parse: argparse.ArgumentParser, name: str) -> None:
    from schemas.profiles import PROFILES  # loads polars: not for --help

    if name not in ("auto", *PROFILES):
        parse.error(f"argument --profile: {name!r} is none of {', '.join(('auto', *PROFILES))}")


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = -1.0
    if not 0 <= rate <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no share between 0 and 1")
    return rate


def count(text: str) -> int:
    """A number of things, as an argument of any command says it."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text} is negative or no whole number")
    return int(text)


def _size(text: str) -> str:
    try:
        return memory_size(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _keys(text: str) -> tuple[str, ...]:
    keys = tuple(key.strip() for key in text.split(","))
    if not set(keys) <= set(KEYS) or len(set(keys)) < len(keys):
        raise argparse.ArgumentTypeError(f"{text!r} is no list of keys out of {', '.join(KEYS)}")
    return keys
