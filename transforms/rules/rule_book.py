"""Reads rules from Pandera models and runs them; each check of each column is a rule with a code and a sentence.

Rules are written in the models only. A check is called as the class method that it is: calling Pandera's `Check` gives
the same result, but collects each check on its own, with its failure cases, which takes twice as long. Errors are made
from broken rules in `transforms.rules.validate`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from string import Formatter

import pandera.polars as pa
import polars as pl

from schemas.canonical import CLEARED, JSON_TYPE, found_column, items_column, json_type, type_column
from schemas.codes import WARNINGS, ErrorCode, Severity
from schemas.fields import JsonType
from schemas.formats.text import UNCLEAN, UNSEEN
from schemas.profiles import FALSE_WORDS, TRUE_WORDS
from schemas.rules.hash_fields import ALGORITHM, INTEGERS, encoding_of

TYPE_WORDS: Mapping[str, str] = {
    JsonType.STRING: "a string",
    JsonType.BOOLEAN: "a boolean",
    JsonType.NUMBER: "a number",
    JsonType.OBJECT: "an object",
    JsonType.ARRAY: "an array",
    JsonType.NULL: "null",
}
BOOLEAN_WORDS = f" (in CSV also {' '.join(TRUE_WORDS[1:])} or {' '.join(FALSE_WORDS[1:])})"
FOUND_CHARACTERS = 40  # of a value in a message
FLAG = "^([a-z]{1,8}|[A-Z]{1,8}|[0-9.,+-]{1,8})$"  # neither a name nor an address, a phone number, a hash or a password
WORD = "^[A-Za-z0-9][A-Za-z0-9_-]{0,15}$"
NOT_CLEARED = "; every user must have one, so it cannot be cleared"
ENDINGS = {1: "st", 2: "nd", 3: "rd"}  # of ordinal numbers


def _describe_first(characters: str, key: str) -> pl.Expr:
    """Return the first of the characters, given as a class of a pattern, in a text and its place; null without one."""
    text = pl.col(key)
    character = text.str.extract(f"({characters})").map_batches(_name_code_points, return_dtype=pl.String)
    place = text.str.extract(f"(?s)^(.*?){characters}").str.len_chars()
    is_teen = (place % 100).is_between(11, 13)
    ending = pl.when(is_teen).then(pl.lit("th")).otherwise((place % 10).replace_strict(ENDINGS, default="th"))
    after = pl.format("{} after the {}{} character", character, place, ending)
    return pl.when(place == 0).then(pl.format("{} before the 1st character", character)).otherwise(after)


def _name_code_points(characters: pl.Series) -> pl.Series:
    names = {character: f"U+{ord(character):04X}" for character in characters.drop_nulls().unique()}
    return characters.replace_strict(names, default=None, return_dtype=pl.String)


def _describe_found(key: str) -> pl.Expr:
    """Return the boolean or number that the file has, or what it has in place of one."""
    json = pl.col(found_column(key))
    is_text, is_nested = json.str.starts_with('"'), json.str.contains(r"^[\[{]")
    text = json.str.slice(1, json.str.len_chars() - 2)  # still with the escapes of JSON, so on one line
    quoted = _quote(text, WORD if key in INTEGERS else FLAG)
    quoted = pl.when(text.is_in(["true", "false"])).then(pl.format("the string {}", quoted)).otherwise(quoted)
    kind = json_type(key).cast(pl.String).replace(TYPE_WORDS)
    return pl.when(is_text).then(pl.coalesce(quoted, kind)).when(is_nested).then(kind).otherwise(_cut(json))


def _describe_word(key: str) -> pl.Expr:
    """Return the word that stands where an enumeration has another one, unless it may be a part of a hash."""
    return pl.coalesce(_quote(pl.col(key), WORD), pl.lit(TYPE_WORDS[JsonType.STRING]))


def _quote(text: pl.Expr, pattern: str) -> pl.Expr:
    """Return the text in quotes; null where it is nothing of the pattern, and may be private."""
    return pl.when(text.str.contains(pattern)).then(pl.format("'{}'", text))


def _cut(text: pl.Expr) -> pl.Expr:
    shown = text.str.head(FOUND_CHARACTERS)
    return pl.when(text.str.len_chars() > FOUND_CHARACTERS).then(pl.format("{}…", shown)).otherwise(shown)


# what a placeholder in a rule's sentence stands for, by the rule's column
PLACEHOLDERS: Mapping[str, Callable[[str], pl.Expr]] = {
    "type": lambda key: json_type(key).cast(pl.String).replace(TYPE_WORDS),
    "cleared": lambda key: pl.when(pl.col(CLEARED).str.split(",").list.contains(key)).then(pl.lit(NOT_CLEARED)),
    "found": _describe_found,
    "word": _describe_word,
    "words": lambda key: pl.when(json_type(key) == JsonType.STRING).then(pl.lit(BOOLEAN_WORDS)),
    "length": lambda key: pl.col(key).str.len_chars(),
    "local_length": lambda key: pl.col(key).str.extract(r"(?s)^(.*)@").str.len_chars(),
    "items": lambda key: pl.col(items_column(key)),
    "number": lambda key: pl.col(key).cast(pl.Int64, strict=False).cast(pl.String).fill_null("very large"),
    "algorithm": lambda _: pl.col(ALGORITHM),
    "encoding": lambda key: pl.col(encoding_of(key)),
    "notation": lambda _: pl.col("notation"),
    "bytes": lambda _: pl.format(
        "{} byte{}", "bytes", pl.when(pl.col("bytes") == 1).then(pl.lit("")).otherwise(pl.lit("s"))
    ),
    "requirement": lambda _: pl.concat_str(
        "required_by",
        pl.lit(" requires "),
        pl.when("is_salted").then(pl.lit("at least ")).otherwise(pl.lit("")),
        "required",
    ),
    "depth": lambda _: pl.col("depth"),
    "first_place": lambda _: pl.col("first_place"),
    "copies": lambda _: pl.col("copies"),
    "unclean": partial(_describe_first, UNCLEAN),
    "unseen": partial(_describe_first, UNSEEN),
    "with_unseen": lambda key: pl.format("; it has {}", _describe_first(UNSEEN, key)),
    "suggestion": lambda _: pl.format("; did you mean {}?", "suggestion"),
}


@dataclass(frozen=True)
class Rule:
    """One check of one column: what must hold, and the code and sentence for a row for which it does not."""

    name: str
    column: str
    check: Callable[[pa.PolarsData], pl.LazyFrame]
    code: ErrorCode
    sentence: str  # with placeholders
    severity: Severity = Severity.ERROR

    def holds(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Return one column: whether the rule holds for each row; null means that it does."""
        return self.check(pa.PolarsData(frame, self.column))

    @cached_property
    def message(self) -> pl.Expr:
        """The sentence with its placeholders filled in from the row."""
        parts: list[pl.Expr] = []
        for text, placeholder, _, _ in Formatter().parse(self.sentence):
            parts.append(pl.lit(text))
            if placeholder is not None:
                parts.append(PLACEHOLDERS[placeholder](self.column).cast(pl.String))
        return pl.concat_str(parts, ignore_nulls=True)


def broken_rows(frame: pl.DataFrame, rules: Sequence[Rule]) -> list[pl.Series]:
    """Return per rule, in order, whether each row of the frame breaks it; null means that it does not."""
    rows = frame.lazy()
    broken = [rule.holds(rows).select(pl.all().not_().alias(str(number))) for number, rule in enumerate(rules)]
    return pl.concat(broken, how="horizontal").collect(engine="in-memory").get_columns()


def read_rules(model: type[pa.DataFrameModel]) -> tuple[Rule, ...]:
    """Return the rules of a model, in the order of its columns.

    Raise `TypeError` if a check is not one selected Boolean expression of the columns, or has no code or sentence.
    """
    schema = model.to_schema()
    if schema.checks:
        raise TypeError(f"{model.__name__}: a rule must name the column that it is about")
    rules = [_rule(model, column, check) for column, declared in schema.columns.items() for check in declared.checks]
    no_rows = _no_rows({name: column.dtype.type for name, column in schema.columns.items()})
    columns = no_rows.collect_schema()
    for rule in rules:
        selected = rule.holds(no_rows).collect_schema()
        if selected.dtypes() != [pl.Boolean] or not selected.keys() <= columns.keys():  # a literal has no column's name
            raise TypeError(f"{rule.name}: a rule must select one Boolean expression, without another name")
    return tuple(rules)


def _rule(model: type[pa.DataFrameModel], column: str, check: pa.Check) -> Rule:
    if not (check.name and check.error and check.description and check.ignore_na):
        raise TypeError(f"{check.name}: a rule must have a code and a sentence, and pass null")
    severity = Severity.WARNING if check.error in WARNINGS else Severity.ERROR
    return Rule(check.name, column, getattr(model, check.name), ErrorCode[check.error], check.description, severity)


def _no_rows(values: Mapping[str, pl.DataType]) -> pl.LazyFrame:
    """Return an empty frame with the columns of a canonical frame."""
    types = {type_column(name): JSON_TYPE for name in values}
    items = {items_column(name): pl.Int64() for name in values}
    return pl.LazyFrame(schema={**values, **types, **items})
