"""The options of an import, declared once: the command line, the Prefect form and the documentation are made from them.

How an option becomes an argument or a field of a form is in `flows.import_users.arguments`.
"""

import codecs
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SkipValidation, ValidationInfo, field_validator
from pydantic.fields import FieldInfo

from schemas.job import HASHES, KEYS, METADATA, FieldPolicy, Key, MergePolicy, Mode, NullMeaning, OnError, Updatable
from schemas.source_names import without_secrets

SOURCES = "What to import"
MERGE = "What to merge"
UPDATE = "How to match and update, in upsert and update mode"
RUN = "How to run and report"
MOST_CHARACTERS_OF_CONNECTION = 128
MOST_ROWS = 10**12
NOT_ON_ONE_LINE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
NO_ENCODINGS = ("idna", "punycode", "raw-unicode-escape", "unicode-escape", "undefined", "utf-7")  # of whole texts
PathText = Annotated[str, SkipValidation]  # Pydantic refuses bytes that are not UTF-8, which names of files can have
GROUPS = (SOURCES, MERGE, UPDATE, RUN)


@dataclass(frozen=True)
class Option:
    """How the command line and the documentation show a field, and what it means for the identity of a job."""

    group: str
    metavar: str = ""
    is_identity: bool = True  # two jobs that differ in it make different users of the same sources
    choices: Callable[[], list[str]] | None = None  # where they are not part of the type


def profile_names() -> list[str]:
    """Return what `profile` may be."""
    from schemas.mapping.names import vendor_profiles  # noqa: PLC0415
    from schemas.profiles import PROFILES  # noqa: PLC0415 - loads Polars, which `--help` does without

    return ["auto", *sorted(PROFILES), *vendor_profiles()]


def require_one_line(text: str) -> str:
    """Return the text, or raise `ValueError` if it has control characters or bytes that are not UTF-8."""
    if NOT_ON_ONE_LINE.search(text):
        raise ValueError("must not contain control characters, line breaks or bytes that are not UTF-8")
    return text


class FileOptions(BaseModel):
    """What an import makes of files, wherever they come from."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    connection: Annotated[str, Field(min_length=1, max_length=MOST_CHARACTERS_OF_CONNECTION), Option(SOURCES, "ID")] = (
        Field(default="default", description="The connection that the users belong to: within it keys are unique.")
    )
    profile: Annotated[str, Option(SOURCES, "NAME", choices=profile_names)] = Field(
        default="auto",
        description="Whose files they are, by a name from `user-import profiles list`; auto recognises each file.",
    )
    format: Annotated[Literal["auto", "json", "ndjson", "csv", "parquet", "excel", "ldif"], Option(SOURCES)] = Field(
        default="auto", description="What the files are; auto goes by name and content."
    )
    mapping: Annotated[PathText | None, Option(SOURCES, "FILE.toml")] = Field(
        default=None,
        description="A mapping file (TOML): where in the records the fields of a user are. `user-import profiles"
        " suggest FILE` writes one.",
    )
    sheet: Annotated[str | None, Field(min_length=1, max_length=255), Option(SOURCES, "NAME")] = Field(
        default=None, description="The sheet of a workbook with the users; without it the first that is not hidden."
    )
    encoding: Annotated[str, Field(max_length=40), Option(SOURCES, "NAME")] = Field(
        default="utf-8",
        description="The encoding of CSV, TSV, JSON and NDJSON files, such as cp1252, latin-1 or utf-16;"
        " it is never guessed.",
    )
    mode: Annotated[Mode, Option(MERGE)] = Field(
        default=Mode.INSERT,
        description="What a match with an existing user means: insert refuses the row, upsert updates the user,"
        " update does too and refuses a row without a match.",
    )
    on_error: Annotated[OnError, Option(MERGE, is_identity=False)] = Field(
        default=OnError.CONTINUE,
        description="What a refused row means: continue imports the others, fail imports nothing.",
    )
    max_error_rate: Annotated[float, Field(ge=0, le=1), Option(MERGE, "RATE", is_identity=False)] = Field(
        default=1.0, description="Import nothing when more than this share of the rows is refused, 0 to 1."
    )
    max_errors: Annotated[int | None, Field(ge=0, le=MOST_ROWS), Option(MERGE, "N", is_identity=False)] = Field(
        default=None, description="Import nothing when more rows than this are refused."
    )
    max_updates_rate: Annotated[float, Field(ge=0, le=1), Option(MERGE, "RATE", is_identity=False)] = Field(
        default=1.0,
        description="Import nothing when more than this share of the connection's users would change, 0 to 1.",
    )
    match_on: Annotated[tuple[Key, ...], Field(min_length=1), Option(UPDATE, "KEYS")] = Field(
        default=KEYS,
        description="By which keys a row may match an existing user, in order. A row that matches two is refused.",
    )
    metadata: Annotated[Literal["replace", "merge"], Option(UPDATE)] = Field(
        default="replace",
        description="What happens to the metadata of a matched user: replace takes the row's, merge merges both"
        " (RFC 7396: null removes a key).",
    )
    fill_only: Annotated[bool, Option(UPDATE)] = Field(default=False, description="Set only what is empty today.")
    policy: Annotated[dict[Updatable, FieldPolicy], Option(UPDATE, "FIELD=POLICY")] = Field(
        default={},
        description="What an update does to a field that the row has: replace takes the row's value, fill only where"
        " the user has none, merge merges metadata, keep leaves the user's. The default is fill for password hashes"
        " and mfa_factors, else replace. Takes precedence over metadata and fill only.",
    )
    null: Annotated[NullMeaning | None, Option(SOURCES)] = Field(
        default=None,
        description="What a null of JSON in place of a field means: refuse refuses the row, absent is as if the field"
        " were left out, clear empties the field of a matched user as its policy says. Without it the profile says so:"
        " refuse for our own format and auth0-import, absent for other systems and mappings.",
    )
    unknown_fields: Annotated[Literal["refuse", "ignore"], Option(SOURCES)] = Field(
        default="refuse",
        description="What an unknown field means: refuse refuses the row, ignore leaves the field out with a warning.",
    )
    reset_unsupported_hashes: Annotated[bool, Option(SOURCES)] = Field(
        default=False,
        description="Import a row whose only fault is its password hash without the hash."
        " A user who has a password keeps it; any other must set a new one.",
    )
    hash_passwords: Annotated[bool, Option(SOURCES)] = Field(
        default=False,
        description="Hash plain-text passwords (Argon2id). Without it they are left out, with a warning, and the users"
        " must set a new one.",
    )
    hash_parameters: Annotated[PathText | None, Option(SOURCES, "FILE", is_identity=False)] = Field(
        default=None,
        description="A file with the hash parameters of a Firebase project, as its console shows them, or as TOML or"
        " JSON. The key in it is never shown.",
    )
    notify: Annotated[tuple[str, ...], Option(RUN, "NAMES", is_identity=False)] = Field(
        default=(),
        description="The targets of notices that hear of the end too, by the names that IMPORT_NOTIFY_<NAME> variables"
        " give them; NAME:problems hears only of what did not go well.",
    )
    no_mail: Annotated[bool, Option(RUN, is_identity=False)] = Field(
        default=False, description="Send no mail about the end of this job; other notices are sent."
    )
    time_limit: Annotated[int | None, Field(ge=1, le=2_592_000), Option(RUN, "SECONDS", is_identity=False)] = Field(
        default=None,
        description="How long the job may take; without it IMPORT_TIME_LIMIT_SECONDS, and 20 seconds more for each"
        " megabyte of the sources.",
    )

    @field_validator("profile")
    @classmethod
    def profile_is_known(cls, name: str) -> str:
        """Refuse a name that no profile has."""
        if name != "auto" and name not in profile_names():
            raise ValueError("must be auto or one of the profiles that `user-import profiles list` shows")
        return name

    @field_validator("mapping")
    @classmethod
    def mapping_is_the_profile(cls, name: str | None, info: ValidationInfo) -> str | None:
        """Refuse an empty name, and a mapping beside a profile."""
        if name == "":
            raise ValueError("must not be an empty name")
        if name is not None and info.data.get("profile", "auto") != "auto":
            raise ValueError("must be left out with --profile, which says the same")
        return name

    @field_validator("encoding")
    @classmethod
    def encoding_is_known(cls, name: str, info: ValidationInfo) -> str:
        """Return the name that Python has for an encoding of text; refuse any for formats of their own."""
        try:
            "".encode(name)
            known = codecs.lookup(name).name.removesuffix("-sig")
        except (LookupError, ValueError):
            known = ""
        if not known or known in NO_ENCODINGS:
            raise ValueError("must be an encoding of text that Python knows, such as utf-8, cp1252, latin-1 or utf-16")
        if known != "utf-8" and (stated := info.data.get("format")) in ("parquet", "excel"):
            raise ValueError(f"must be left out with --format {stated}, which has none")
        return known

    @field_validator("sheet")
    @classmethod
    def sheet_is_of_a_workbook(cls, name: str | None, info: ValidationInfo) -> str | None:
        """Refuse control characters, and a sheet of files that have none."""
        if name is not None and info.data.get("format") not in ("auto", "excel"):
            raise ValueError(f"must be left out with --format {info.data.get('format')}, which has no sheets")
        return name if name is None else require_one_line(name)

    @field_validator("fill_only")
    @classmethod
    def fill_only_updates(cls, is_on: bool, info: ValidationInfo) -> bool:
        """Refuse to fill fields of users in a mode that updates none."""
        if is_on and info.data.get("mode") == Mode.INSERT:
            raise ValueError("must be off unless the mode is upsert or update")
        return is_on

    @field_validator("policy")
    @classmethod
    def policies_fit_their_fields(cls, policy: dict[Updatable, FieldPolicy]) -> dict[Updatable, FieldPolicy]:
        """Return the policies, that of one kind of password hash for both kinds; refuse to merge what is no object."""
        if any(how == "merge" and name not in METADATA for name, how in policy.items()):
            raise ValueError(f"can merge only {' and '.join(METADATA)}")
        of_hashes = {policy[name] for name in HASHES if name in policy}
        if len(of_hashes) > 1:
            raise ValueError(f"must be the same for {' and '.join(HASHES)}, of which a user has one")
        return policy | {name: how for how in of_hashes for name in HASHES}

    @field_validator("hash_parameters")
    @classmethod
    def parameters_are_named(cls, name: str | None) -> str | None:
        """Refuse an empty name, which would mean the current folder, and standard input, which is for users."""
        if name in {"", "-"}:
            raise ValueError("must be the name of a file")
        return name

    @field_validator("connection")
    @classmethod
    def connection_is_one_line(cls, text: str) -> str:
        """Refuse control characters and bytes that are not UTF-8."""
        return require_one_line(text)

    @field_validator("match_on")
    @classmethod
    def keys_are_named_once(cls, keys: tuple[str, ...]) -> tuple[str, ...]:
        """Refuse a list that names a key twice."""
        if len(set(keys)) < len(keys):
            raise ValueError("must name each key once")
        return keys


class JobOptions(FileOptions):
    """What one job does."""

    sources: Annotated[tuple[PathText, ...], Field(min_length=1), Option(SOURCES, "SOURCE", is_identity=False)] = Field(
        description="Files, folders and URLs (https://, s3://, gs://) to import; on the command line also - for"
        " standard input."
    )
    dry_run: Annotated[bool, Option(MERGE, is_identity=False)] = Field(
        default=False, description="Say what every row would do and change nothing."
    )
    plan: Annotated[PathText | None, Option(MERGE, "FILE", is_identity=False)] = Field(
        default=None,
        description="A file to write what every row would do to (.ndjson, .csv or .parquet), best with a dry run.",
    )
    again: Annotated[bool, Option(MERGE, is_identity=False)] = Field(
        default=False, description="Import even what a completed job has already imported."
    )
    external_id: Annotated[str | None, Field(min_length=1, max_length=255), Option(RUN, "TEXT", is_identity=False)] = (
        Field(default=None, description="Your own name for the job.")
    )
    unique_external_id: Annotated[bool, Option(RUN, is_identity=False)] = Field(
        default=False,
        description="Answer with the job that has the external id if it imported the same, refuse to import anything"
        " else under it.",
    )

    @field_validator("external_id")
    @classmethod
    def external_id_is_one_line(cls, text: str | None) -> str | None:
        """Refuse control characters and bytes that are not UTF-8."""
        return text if text is None else require_one_line(text)

    @field_validator("unique_external_id")
    @classmethod
    def unique_external_id_is_given(cls, is_unique: bool, info: ValidationInfo) -> bool:
        """Refuse to ask for a unique name without a name."""
        if is_unique and not info.data.get("external_id"):
            raise ValueError("must be off without --external-id")
        return is_unique

    @field_validator("sources", "plan")
    @classmethod
    def files_are_named(cls, names: tuple[str, ...] | str | None) -> tuple[str, ...] | str | None:
        """Refuse an empty name, which would mean the current folder."""
        if names == "" or (isinstance(names, tuple) and "" in names):
            raise ValueError("must not be an empty name")
        if isinstance(names, tuple) and names.count("-") > 1:
            raise ValueError("can name standard input once")
        return names

    @property
    def shown_sources(self) -> tuple[str, ...]:
        """The names of the sources without what may be secret in a URL."""
        return tuple(map(without_secrets, self.sources))

    @property
    def merge_policy(self) -> MergePolicy:
        """The options that are about values."""
        return MergePolicy(match_on=self.match_on, metadata=self.metadata, fill_only=self.fill_only, policy=self.policy)


class InboxOptions(FileOptions):
    """What the inbox does with each new file of its folder."""

    inbox: Annotated[str, Field(min_length=1), Option(SOURCES, "FOLDER")] = Field(
        description="The folder; each file moves to done, partly, refused or canceled inside it, with a report."
    )
    mode: Annotated[Mode, Option(MERGE)] = Field(
        default=Mode.UPSERT, description=FileOptions.model_fields["mode"].description
    )
    settle_seconds: Annotated[int, Field(ge=0, le=3600), Option(RUN, "SECONDS")] = Field(
        default=10, description="How long a file must not have been written to before it is imported."
    )
    max_waiting_minutes: Annotated[int, Field(ge=0, le=10_080), Option(RUN, "MINUTES")] = Field(
        default=60, description="How long anything may lie in the folder without being imported before a run fails."
    )

    def for_file(self, path: str) -> JobOptions:
        """Return the options of the job that imports a file of the folder."""
        return JobOptions(sources=(path,), **self.model_dump(include={*FileOptions.model_fields}))


def option_of(field: FieldInfo) -> Option:
    """Return how a field of these models is shown."""
    return next(mark for mark in field.metadata if isinstance(mark, Option))
