"""The language of mappings and profiles, declared once: `schemas.mapping.parse` reads it, the guide is made from it.

A mapping says where in a record each field of a user is. A profile is a mapping that also says how files of its system
are recognised. How values are read is in `transforms.mapping`.
"""

import re
from collections.abc import Mapping as MappingOf
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from schemas.fields import FIELDS, JsonType
from schemas.job import NullMeaning
from schemas.mapping.paths import Path, parse_path

TYPES = {field.name: field.type for field in FIELDS}
TIMES = ("epoch", "epoch_ms", "filetime", "iso")
TIME_OF_DAY = ("%H", "%I", "%k", "%l", "%T", "%R", "%r", "%X", "%c", "%s", "%+")
NAME = re.compile(r"^[a-z0-9]+(?:[-_][a-z0-9]+)*$")


def _to_path(text: object) -> object:
    return parse_path(text) if isinstance(text, str) else text


def _to_tuple(value: object) -> object:
    return tuple(value) if isinstance(value, (list, tuple)) else (value,)


def _to_rules(value: object) -> object:
    if value == []:
        raise ValueError("must not be empty; leave it out if the file does not have it")
    return _to_tuple(value)


def _check_constant(value: object) -> object:
    if not isinstance(value, (str, bool, int)):
        raise ValueError("must be a text, a whole number, true or false")  # noqa: TRY004 - Pydantic collects no others
    return value


def _check_time(form: str) -> str:
    """Refuse a format that does not read the times that it writes."""
    if form not in TIMES and not _can_be_read(form.replace(".%f", "%.f")):
        known = f"{', '.join(TIMES)} or a format such as %d/%m/%Y"
        raise ValueError(f"{form!r} does not say how a time or date is written; write {known}")
    return form


def _can_be_read(form: str) -> bool:
    import polars as pl  # noqa: PLC0415 - as for patterns

    written = pl.Series([datetime(2001, 2, 3, 4, 5, 6)], dtype=pl.Datetime(time_zone="UTC"))  # noqa: DTZ001 - it is UTC
    try:
        texts = written.dt.to_string(form).str
        read = texts.to_datetime(form, strict=False) if has_time(form) else texts.to_date(form, strict=False)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
        return False
    return read.dt.year().to_list() == [2001]


def has_time(form: str) -> bool:
    """Return whether a format has the time of the day."""
    return any(mark in form for mark in TIME_OF_DAY)


def _check_pattern(text: str) -> str:
    """Refuse what is not a regular expression without backreferences and look-around."""
    import polars as pl  # noqa: PLC0415 - its own syntax is what counts; only mappings with patterns load it here

    try:
        re.compile(text)
        pl.select(pl.lit("").str.contains(text))
    except (re.error, pl.exceptions.ComputeError):
        raise ValueError(f"{text!r} is not a regular expression (without look-around and backreferences)") from None
    return text


At = Annotated[Path, BeforeValidator(_to_path)]
Ats = Annotated[tuple[At, ...], BeforeValidator(_to_tuple)]
Pattern = Annotated[str, AfterValidator(_check_pattern)]
Words = Annotated[tuple[str, ...], BeforeValidator(_to_tuple)]
Forms = Annotated[tuple[Annotated[str, AfterValidator(_check_time)], ...], BeforeValidator(_to_tuple)]
Constant = Annotated[str | bool | int, BeforeValidator(_check_constant)]


class Part(BaseModel):
    """A part of a mapping, which has no other keys than those declared."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True, populate_by_name=True)


class Rule(Part):
    """Where one value is and what becomes of it, in the order of the fields here."""

    at: Annotated[Ats, Field(alias="from", description="The path of the value; several are joined by `join`.")] = ()
    value: Annotated[Constant | None, Field(description="A constant instead of a path.")] = None
    join: Annotated[str | None, Field(description="What stands between the values of several paths.")] = None
    pattern: Annotated[
        Pattern | None, Field(description="A regular expression; a text that does not match is left as it is.")
    ] = None
    replace: Annotated[str, Field(description="What a match becomes: $1 is its first group.")] = "$1"
    fits: Annotated[Pattern | None, Field(description="A regular expression; other texts go to the metadata.")] = None
    words: Annotated[
        MappingOf[str, Constant], Field(alias="map", description="What each word means; case does not count.")
    ] = {}
    time: Annotated[
        Forms, Field(description=f"How a time is written: {', '.join(TIMES)} or a format such as %d/%m/%Y.")
    ] = ()
    zone: Annotated[str, Field(description="The IANA time zone of times without one.")] = "UTC"
    separator: Annotated[
        str | None, Field(min_length=1, description="What stands between the items of a list in one text.")
    ] = None
    present: Annotated[bool, Field(description="Whether the member or column has a value, instead of it.")] = False
    negate: Annotated[bool, Field(alias="not", description="The opposite of true and false.")] = False
    each: Annotated[
        MappingOf[Literal["provider", "user_id", "email"], "Rule"],
        Field(
            description="Of every item of an array, the members of an identity; without `from`, of the record itself."
        ),
    ] = {}
    factor: Annotated[
        Literal["totp", "phone", "email"] | None, Field(description="The kind of second factor that the value is.")
    ] = None
    default: Annotated[Constant | None, Field(description="What an absent value becomes.")] = None

    @model_validator(mode="before")
    @classmethod
    def short_form_is_a_path(cls, given: object) -> object:
        """Return a path alone as the rule that it is short for."""
        if not isinstance(given, (str, dict, Rule)):
            raise ValueError("must be a path or a table")  # noqa: TRY004 - Pydantic collects no others
        return {"from": given} if isinstance(given, str) else given

    @model_validator(mode="after")
    def parts_fit_together(self) -> "Rule":
        """Refuse a rule without a source, and parts that need another."""
        if not self.at and self.value is None and not self.each:
            raise ValueError("needs from, the path of the value, or value, a constant")
        if self.at and self.value is not None:
            raise ValueError("has both from and value; write default for what an absent value becomes")
        if len(self.at) > 1 and self.join is None:
            raise ValueError(
                "has several paths in from; write join to combine them, or a list of rules to take the first"
            )
        for part, other in (("replace", "pattern"), ("zone", "time")):
            if part in self.model_fields_set and not getattr(self, other):
                raise ValueError(f"has {part} without {other}")
        return self

    @property
    def constants(self) -> tuple[Constant, ...]:
        """What the rule says itself instead of a value of the file."""
        given = (self.value, self.default, *self.words.values())
        return tuple(value for value in given if value is not None)

    @property
    def changes_items(self) -> bool:
        """Whether the items of a list become others, or objects."""
        return bool(self.pattern or self.words or self.each)


Rules = Annotated[tuple[Rule, ...], BeforeValidator(_to_rules)]


class Password(Part):
    """Where a password hash or a plain-text password is."""

    scheme: Annotated[str | None, Field(description="How the hash is written; the guide lists the schemes.")] = None
    parts: Annotated[
        MappingOf[str, Rule], Field(description="The parts of the hash by name: value, salt, algorithm …")
    ] = {}
    plain: Annotated[Rule | None, Field(description="The password as plain text, which is never stored.")] = None
    when: Annotated[At | None, Field(description="The path of a value without which this is not such a password.")] = (
        None
    )
    unless: Annotated[At | None, Field(description="The path of a value with which this is not such a password.")] = (
        None
    )

    @model_validator(mode="after")
    def parts_fit_together(self) -> "Password":
        """Refuse a password that is neither, or both."""
        if (self.scheme is None) == (self.plain is None):
            raise ValueError("needs either scheme and parts, for a hash, or plain")
        if self.scheme is not None and "value" not in self.parts:
            raise ValueError("needs parts.value, the path of the hash")
        return self


class Skip(Part):
    """Which records are not users."""

    where: Annotated[At, Field(description="The path of a value; alone, a record that has one is not a user.")]
    words: Annotated[Words, Field(alias="is", description="The values of those that are not users.")] = ()
    only: Annotated[
        Words, Field(alias="is_not", description="The values of users; a record without one is not a user.")
    ] = ()
    why: Annotated[str, Field(description="What these records are.")] = ""


class Signs(Part):
    """By what a file is recognised: all of it must hold."""

    document: Annotated[Words, Field(description="Keys of the object around the users.")] = ()
    all: Annotated[Words, Field(description="Columns or keys that the records have.")] = ()
    any: Annotated[Words, Field(description="Columns or keys of which they have one.")] = ()
    none: Annotated[Words, Field(description="Columns or keys that they do not have.")] = ()
    values: Annotated[MappingOf[str, Pattern], Field(description="What the values of a column or key look like.")] = {}
    columns: Annotated[int | None, Field(ge=1, description="How many columns a table without a header has.")] = None


class Pairs(Part):
    """An array of names and values that is read as an object with these members."""

    at: Annotated[At, Field(description="The path of the array.")]
    name: Annotated[At, Field(description="The path of the name in an item.")]
    value: Annotated[At, Field(description="The path of the value in an item.")]

    @model_validator(mode="after")
    def paths_lead_to_one_value(self) -> "Pairs":
        """Refuse paths to several values."""
        if any(path.is_many for path in (self.at, self.name, self.value)):
            raise ValueError("needs paths to one array, one name and one value")
        return self


class Mapping(Part):
    """Where the fields of a user are in the records of a file."""

    title: Annotated[str, Field(description="What the output calls such a file, with its article.")] = "a mapped file"
    system: Annotated[
        str, Field(pattern=NAME.pattern, description="The key in user_metadata of what has no field.")
    ] = "source"
    documentation: Annotated[str, Field(description="Where the system describes the format.")] = ""
    formats: Annotated[
        tuple[Literal["json", "csv", "excel", "parquet", "ldif"], ...], Field(description="The formats of its files.")
    ] = ()
    recognise: Annotated[
        tuple[Signs, ...],
        BeforeValidator(_to_tuple),
        Field(description="By what its files are recognised; one of these suffices."),
    ] = ()
    containers: Annotated[Words, Field(description="Keys of a JSON document under which its users are.")] = ("users",)
    around: Annotated[Words, Field(description="Keys of objects or arrays in which the containers are.")] = ()
    record: Annotated[At | None, Field(description="Where in a record the user is, if it has that.")] = None
    pairs: Annotated[
        tuple[Pairs, ...], BeforeValidator(_to_tuple), Field(description="Arrays of names and values.")
    ] = ()
    header: Annotated[tuple[str, ...], Field(description="The columns of a table that has no header.")] = ()
    text_prefix: Annotated[str, Field(description="What stands before every text of a table and is taken off.")] = ""
    column_name: Annotated[
        Pattern | None, Field(description="A regular expression whose first group is a column's name.")
    ] = None
    strict: Annotated[
        bool, Field(description="Whether a number is not a text and a word not a flag, as in our own format.")
    ] = False
    null: Annotated[
        NullMeaning, Field(description="What null means: refuse, absent or clear; --null takes precedence.")
    ] = "absent"
    null_words: Annotated[Words, Field(description="Texts that mean an absent value.")] = ()
    true_words: Annotated[Words, Field(description="More words for true.")] = ()
    false_words: Annotated[Words, Field(description="More words for false.")] = ()
    fields: Annotated[MappingOf[str, Rules], Field(description="The rules of each field.")]
    app_metadata: Annotated[MappingOf[str, Rules], Field(description="Keys of app_metadata and their rules.")] = {}
    user_metadata: Annotated[MappingOf[str, Rules], Field(description="Keys of user_metadata and their rules.")] = {}
    password: Annotated[
        tuple[Password, ...], BeforeValidator(_to_tuple), Field(description="Where the password is.")
    ] = ()
    skip: Annotated[
        tuple[Skip, ...], BeforeValidator(_to_tuple), Field(description="Which records are not users.")
    ] = ()
    ignore: Annotated[Ats, Field(description="What says nothing about the user.")] = ()
    leave_out: Annotated[Ats, Field(description="What is left out, with a warning that counts it.")] = ()
    rest: Annotated[Literal["metadata", "refuse"], Field(description="What becomes of everything else.")] = "metadata"

    @model_validator(mode="after")
    def fields_are_known_and_fit(self) -> "Mapping":
        """Refuse no fields at all, and what does not fit the type of its field."""
        if not self.fields:
            raise ValueError("needs a table [fields] that says where the fields of a user are")
        return self


def find_misfit(name: str, rule: Rule) -> str | None:
    """Return what is wrong with a rule for this field, if something is."""
    kind = TYPES[name]
    is_flag = kind is JsonType.BOOLEAN
    misfits = (
        *((isinstance(value, bool) != is_flag, f"the value {value!r}") for value in rule.constants),
        (bool(rule.constants) and kind is JsonType.OBJECT, "a constant"),
        (bool(rule.fits) and kind is JsonType.ARRAY, "fits"),
        (rule.negate and not is_flag, "not"),
        (rule.present and not is_flag, "present"),
        (bool(rule.time) and kind is not JsonType.STRING, "time"),
        (rule.separator is not None and kind is not JsonType.ARRAY, "separator"),
        (bool(rule.each) and name != "identities", "each"),
        (rule.factor is not None and name != "mfa_factors", "factor"),
    )
    return next((f"has {what}, but {name} is {_say_type(name)}" for is_wrong, what in misfits if is_wrong), None)


def _say_type(name: str) -> str:
    return {JsonType.BOOLEAN: "true or false", JsonType.ARRAY: "a list", JsonType.OBJECT: "an object"}.get(
        TYPES[name], "a text"
    )


def describe(part: type[BaseModel]) -> list[tuple[str, str]]:
    """Return name and description of everything that a part of a mapping can say."""
    fields: Any = part.model_fields
    return [(field.alias or name, field.description or "") for name, field in fields.items()]
