"""An option is one field of one model: the command line, the flow's form and the documentation follow."""

import inspect
from typing import Annotated

import pytest
from prefect import flow
from prefect.exceptions import ParameterTypeError
from pydantic import Field, ValidationError

from flows.import_users.arguments import command_group, command_line, form, from_form, to_form
from flows.import_users.arguments import parse_options as parse
from flows.import_users.cli import app
from flows.import_users.flow import import_users
from flows.report.command_line import UsageError, main
from schemas.job import Mode, OnError
from schemas.options import MERGE, FileOptions, InboxOptions, JobOptions, Option
from tests import docs

EVERYTHING = JobOptions(
    sources=("a.csv", "b.json"),
    connection="crm",
    mode=Mode.UPSERT,
    on_error=OnError.FAIL,
    max_errors=3,
    match_on=("user_id", "email"),
    policy={"name": "fill", "app_metadata": "merge"},
    null="clear",
    plan="plan.csv",
    external_id="crm-7",
)


def options(*arguments: str) -> JobOptions:
    """The options that a command line stands for."""
    _, bound, _ = app.parse_args(["users.json", *arguments], print_error=False, exit_on_error=False)
    values = {name: value for name, value in bound.kwargs.items() if name in JobOptions.model_fields}
    return parse(JobOptions, sources=bound.args, **values)


class MoreOptions(JobOptions):
    """An import with one more option."""

    most_rows: Annotated[int | None, Field(ge=1), Option(MERGE, "N")] = Field(default=None, description="Read no more.")


def test_the_command_line_has_the_defaults_of_a_job() -> None:
    assert options() == JobOptions(sources=("users.json",))


def test_the_command_line_says_how_to_match_and_merge() -> None:
    update = ("--mode", "update", "--metadata", "merge", "--fill-only")
    found = options("--match-on", "user_id, email", *update, "--max-errors", "3")
    assert (found.match_on, found.metadata, found.fill_only) == (("user_id", "email"), "merge", True)
    assert found.max_errors == 3


@pytest.mark.parametrize("arguments", [("--fill-only",), ("--fill-only", "--mode", "insert")])
def test_fill_only_is_refused_in_a_mode_that_updates_no_user(arguments: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match="--fill-only must be off unless the mode is upsert or update"):
        options(*arguments)
    with pytest.raises(UsageError, match="--fill-only must be off unless"):
        from_form(JobOptions, {"sources": ["a.csv"], "fill_only": True})
    with pytest.raises(UsageError, match="--fill-only must be off unless"):
        from_form(InboxOptions, {"inbox": "folder", "fill_only": True, "mode": "insert"})


@pytest.mark.parametrize(
    ("given", "known"),
    [
        ("latin-1", "iso8859-1"),
        ("CP1252", "cp1252"),
        ("windows-1252", "cp1252"),
        ("UTF_16", "utf-16"),
        ("utf-8-sig", "utf-8"),
    ],
)
def test_an_encoding_has_one_name(given: str, known: str) -> None:
    assert options("--encoding", given).encoding == known
    assert from_form(JobOptions, to_form(options("--encoding", given))).encoding == known


@pytest.mark.parametrize(
    "name", ["", "klingon", "base64", "rot13", "idna", "utf-7", "unicode_escape", "x" * 41, "a\0b", "é"]
)
def test_a_name_that_is_no_encoding_of_text_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="--encoding"):
        options("--encoding", name)


def test_parquet_takes_no_encoding() -> None:
    with pytest.raises(UsageError, match="--encoding must be left out with --format parquet"):
        options("--encoding", "cp1252", "--format", "parquet")


def test_policies_add_up_and_that_of_one_hash_is_that_of_both() -> None:
    found = options(
        "--policy", "name=keep", "--policy", " nickname = fill ,custom_password_hash=replace", "--policy=name=fill"
    )
    both = {"password_hash": "replace", "custom_password_hash": "replace"}
    assert found.policy == {"name": "fill", "nickname": "fill", **both}


@pytest.mark.parametrize(
    ("pair", "words"),
    [
        ("shoe_size=keep", "--policy must be 'email_verified', 'phone_verified'"),
        *((f"{key}=replace", f"'source_id', not '{key}'") for key in ("email", "username", "user_id", "phone_number")),
        ("name=overwrite", "--policy must be 'replace', 'fill', 'merge' or 'keep', not 'overwrite'"),
        ("name=merge", "--policy can merge only app_metadata and user_metadata"),
        ("name", "--policy: 'name' is not a pair NAME=VALUE"),
        ("", "--policy: '' is not a pair NAME=VALUE"),
        ("password_hash=keep,custom_password_hash=fill", "must be the same for password_hash and custom_password_hash"),
    ],
)
def test_a_policy_that_cannot_be_meant_is_refused(pair: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(app, ["users.json", "--direct", "--policy", pair]) == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("policy", [{"shoe_size": "keep"}, {"email": "replace"}, {"name": "overwrite"}, ["name=keep"]])
def test_a_form_refuses_a_policy_that_cannot_be_meant(policy: object) -> None:
    with pytest.raises(ParameterTypeError):
        import_users.validate_parameters({"sources": ["a"], "policy": policy})


@pytest.mark.parametrize("wrong", [("--match-on", "phone"), ("--match-on", "email,email"), ("--max-errors", "-1")])
def test_arguments_that_cannot_be_meant_are_refused(wrong: tuple[str, str]) -> None:
    assert main(app, ["users.json", "--direct", *wrong]) == 2


def test_an_option_given_twice_has_its_last_value() -> None:
    assert options("--mode", "update", "--match-on", "email", "--mode", "upsert", "--match-on", "user_id") == (
        JobOptions(sources=("users.json",), mode=Mode.UPSERT, match_on=("user_id",))
    )


@pytest.mark.parametrize("some", [EVERYTHING, JobOptions(sources=("a",))])
def test_options_are_the_same_after_a_form(some: JobOptions) -> None:
    assert from_form(JobOptions, to_form(some)) == some
    validated = import_users.validate_parameters(to_form(some))
    assert (validated.pop("database"), validated.pop("job_id")) == ("", "")
    assert from_form(JobOptions, validated) == some


def test_a_form_shows_words_where_the_options_have_nothing() -> None:
    shown = to_form(JobOptions(sources=("a",)))
    assert (shown["max_errors"], shown["plan"], shown["external_id"]) == (-1, "", "")


@pytest.mark.parametrize("value", [-7, "many"])
def test_a_form_refuses_what_is_out_of_bounds(value: object) -> None:
    with pytest.raises(ParameterTypeError):
        import_users.validate_parameters({"sources": ["a"], "max_errors": value})


def test_the_inbox_gives_its_options_to_the_job_of_a_file() -> None:
    inbox = InboxOptions(inbox="folder", fill_only=True, policy={"name": "keep"})
    expected = JobOptions(sources=("a.csv",), mode=Mode.UPSERT, fill_only=True, policy={"name": "keep"})
    assert inbox.for_file("a.csv") == expected
    assert InboxOptions.model_fields.keys() - FileOptions.model_fields.keys() == {
        "inbox",
        "settle_seconds",
        "max_waiting_minutes",
    }


@pytest.mark.parametrize("null", ["", "keep", "Absent"])
def test_what_null_means_is_one_of_three_words(null: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(app, ["users.json", "--direct", f"--null={null}"]) == 2
    assert "--null" in capsys.readouterr().err


def test_a_form_has_the_words_of_an_optional_choice_and_none() -> None:
    shown = import_users.parameters.properties["null"]
    assert (shown["type"], shown["default"], shown["enum"]) == ("string", "", ["", "refuse", "absent", "clear"])


def test_options_are_frozen_and_have_no_other_fields() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        EVERYTHING.connection = "other"
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        JobOptions.model_validate({"sources": ("a",), "conection": "crm"})


def test_a_new_option_is_one_field() -> None:
    found: list[MoreOptions] = []
    command = command_group("more", "An import with one more option.")

    @command.default
    @command_line(MoreOptions)
    def run(*sources: str, **options: object) -> None:
        found.append(parse(MoreOptions, sources=sources, **options))

    @flow
    @form(MoreOptions)
    def run_as_flow(sources: list[str], **options: object) -> MoreOptions:
        """Import."""
        return from_form(MoreOptions, {"sources": sources, **options})

    assert main(command, ["a.csv", "--most-rows", "5"]) == 0
    assert found == [MoreOptions(sources=("a.csv",), most_rows=5)]
    assert main(command, ["a.csv", "--most-rows", "0"]) == 2
    shown = run_as_flow.parameters.properties["most_rows"]
    assert (shown["type"], shown["default"], shown["description"]) == ("integer", -1, "Read no more; -1 for none.")
    assert run_as_flow.fn(["a"], most_rows=-1) == MoreOptions(sources=("a",))
    assert "| `--most-rows N` | – | Read no more. |" in docs.options(command)


def test_the_flows_show_the_options_and_the_database() -> None:
    parameters = inspect.signature(import_users.fn).parameters
    assert [*parameters][:2] == ["sources", "database"]
    assert parameters.keys() == {"database", "job_id", *JobOptions.model_fields}
