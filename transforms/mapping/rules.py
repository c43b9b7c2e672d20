"""Turn what is at the paths of a rule into the JSON text of a field: words, times, lists and constants.

What a rule can say is in `schemas.mapping.language`; a value that it does not fit is left as it is, for the rules of
the record to refuse.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from schemas.fields import Field, JsonType
from schemas.mapping.language import Constant, Mapping, Rule
from schemas.mapping.paths import Path
from schemas.profiles import FALSE_WORDS, TRUE_WORDS
from transforms.json.encoding import encode_string
from transforms.json.values import decode_string
from transforms.mapping.times import write_date, write_time
from transforms.mapping.values_at import column_at

TRUE, FALSE = "true", "false"

# what other systems write freely: a text that is not in the form of the field after cleaning goes to the metadata
FITTING = {
    "phone_number": r"^\+[0-9]{1,15}$",
    "picture": r"^https?://[^\s]+$",
    "locale": r"^[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*$",
    "zoneinfo": r"^(?:[A-Z][A-Za-z_]+(?:/[A-Za-z0-9_+-]+)+|UTC|GMT)$",
    "birthdate": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
}
CLEANING = {"phone_number": (r"[\s().\-/]", ""), "locale": ("_", "-")}


@dataclass(frozen=True)
class Words:
    """What texts mean in one mapping: which are absent, which are true and which are false, in lower case."""

    absent: frozenset[str]
    true: frozenset[str]
    false: frozenset[str]
    keeps_null: bool
    is_strict: bool

    @classmethod
    def of(cls, mapping: Mapping) -> "Words":
        """Return the words of a mapping, beside those that every table has for true and false."""
        absent, true, false = (
            {word.casefold() for word in words}
            for words in (mapping.null_words, mapping.true_words, mapping.false_words)
        )
        return cls(
            frozenset(absent if mapping.strict else {"", *absent}),
            frozenset(({*TRUE_WORDS} - false) | true),
            frozenset(({*FALSE_WORDS} - true) | false),
            keeps_null=mapping.null != "absent",
            is_strict=mapping.strict,
        )


def read_field(rules: Sequence[Rule], field: Field | None, words: Words) -> pl.Expr:
    """Return the JSON text of a field (of a member of metadata, if None) from the columns of its paths.

    Of several rules, the first that gives a text counts, all items of lists, and of true and false one that is true.
    """
    found = [read_rule(rule, field, words) for rule in rules]
    if len(found) == 1:
        return found[0]
    match field and field.type:
        case JsonType.ARRAY:
            return join_items(found)
        case JsonType.BOOLEAN:
            is_true = pl.any_horizontal(value == TRUE for value in found)
            return pl.when(is_true).then(pl.lit(TRUE)).otherwise(pl.coalesce(found))
    return pl.coalesce(found)


def text_at(path: Path, words: Words) -> pl.Expr:
    """Return the text at a path, of several the first: decoded if it is a string, else as written; absent ones null."""
    value = json_at(path, words)
    return pl.when(value.str.starts_with('"')).then(decode_string(value)).otherwise(value)


def json_at(path: Path, words: Words) -> pl.Expr:
    """Return the JSON text at a path, of several the first; null where it is absent, or a word for that."""
    column = pl.col(column_at(path))
    value = column.list.first() if path.is_many else column
    absent = [json.dumps(word, ensure_ascii=False) for word in words.absent]
    text = value if words.absent == {""} else value.str.to_lowercase()
    is_absent = text.is_in([*absent, *(() if words.keeps_null else ("null",))])
    return pl.when(~is_absent).then(value)


def read_rule(rule: Rule, field: Field | None, words: Words) -> pl.Expr:
    """Return the JSON text that one rule gives."""
    kind = field.type if field else None
    if not rule.at:
        return pl.lit(_constant(rule.value, kind))
    if rule.factor:
        return _write_factors(rule, words)
    if kind is JsonType.ARRAY:
        value = _read_list(rule, words)
    elif kind is None and rule.at[0].is_many:
        value = _write_items(pl.col(column_at(rule.at[0])), rule, as_texts=False)
    elif rule.present:
        value = _write_flag(json_at(rule.at[0], words).is_not_null())
    else:
        value = _read_value(rule, field, words)
    if rule.negate:
        value = pl.when(value == TRUE).then(pl.lit(FALSE)).when(value == FALSE).then(pl.lit(TRUE)).otherwise(value)
    return value if rule.default is None else value.fill_null(_constant(rule.default, kind))


def _read_value(rule: Rule, field: Field | None, words: Words) -> pl.Expr:
    name, kind = (field.name, field.type) if field else ("", None)
    fits = rule.fits if rule.fits is not None or words.is_strict else FITTING.get(name)
    if rule.join is None and not (rule.pattern or rule.words or rule.time or fits):
        return _as_type(json_at(rule.at[0], words), kind, words)
    text = text_at(rule.at[0], words)
    if rule.join is not None:
        joined = pl.concat_str([text_at(path, words) for path in rule.at], separator=rule.join, ignore_nulls=True)
        text = pl.when(joined != "").then(joined)
    if rule.pattern:
        text = text.str.replace(rule.pattern, _replacement(rule))
        text = pl.when(~text.str.to_lowercase().is_in(list(words.absent))).then(text)
    if rule.time:
        text = (write_date if name == "birthdate" else write_time)(text, rule.time, rule.zone)
    if fits:
        cleaned = text.str.replace_all(*CLEANING[name]) if name in CLEANING and rule.fits is None else text
        text = pl.when(cleaned.str.contains(fits)).then(cleaned)
    value = _as_type(encode_string(text), kind, words)
    if not rule.words:
        return value
    meanings = {word.casefold(): _constant(meaning, kind) for word, meaning in rule.words.items()}
    return text.str.strip_chars().str.to_lowercase().replace_strict(meanings, default=value, return_dtype=pl.String)


def _as_type(value: pl.Expr, kind: JsonType | None, words: Words) -> pl.Expr:
    """Return the JSON text of a value as one of the field's type, if it is that value in another spelling."""
    if words.is_strict:
        return value
    is_string = value.str.starts_with('"')
    match kind:
        case JsonType.STRING:
            return _with_quotes(value)
        case JsonType.BOOLEAN:
            word = value.str.strip_chars('" ').str.to_lowercase()
            return (
                pl.when(word.is_in(list(words.true)))
                .then(pl.lit(TRUE))
                .when(word.is_in(list(words.false)))
                .then(pl.lit(FALSE))
                .otherwise(value)
            )
        case JsonType.OBJECT | JsonType.ARRAY:
            inner = decode_string(value)
            return pl.when(is_string & inner.str.contains(r"^\s*[\[{]")).then(inner).otherwise(value)
    return value


def _with_quotes(value: pl.Expr) -> pl.Expr:
    """Return the JSON text, a number as a string with the same characters."""
    return pl.when(value.str.contains("^-?[0-9]")).then(_quote(value)).otherwise(value)


def _quote(text: pl.Expr) -> pl.Expr:
    return pl.concat_str(pl.lit('"'), text, pl.lit('"'))


def _replacement(rule: Rule) -> str:
    return re.sub(r"\$([0-9])", r"${\1}", rule.replace)  # $1st would be the group named 1st


def _read_list(rule: Rule, words: Words) -> pl.Expr:
    """Return a list as JSON: all items at the path, an array as it is, or the pieces of a text."""
    path = rule.at[0]
    if words.is_strict:
        return json_at(path, words)
    if path.is_many:
        return _write_items(pl.col(column_at(path)), rule)
    value = _as_type(json_at(path, words), JsonType.ARRAY, words)
    pieces = (
        text_at(path, words).str.split(rule.separator)
        if rule.separator
        else pl.concat_list(text_at(path, words))
    )
    item = pl.element().str.strip_chars()
    encoded = pieces.list.eval(encode_string(item).filter(item != ""))
    return pl.when(value.str.starts_with("[")).then(value).when(value.is_not_null()).then(_write_items(encoded, rule))


def _write_items(items: pl.Expr, rule: Rule, *, as_texts: bool = True) -> pl.Expr:
    """Return the items, which are JSON texts, as an array, each once; null where there is none."""
    if rule.words:
        meanings = {
            json.dumps(word, ensure_ascii=False): _constant(meaning, None) for word, meaning in rule.words.items()
        }
        items = items.list.eval(pl.element().replace(meanings))
    if rule.pattern:
        text = pl.element().str.strip_chars('"').str.replace(rule.pattern, _replacement(rule))
        items = items.list.eval(pl.when(pl.element().str.starts_with('"')).then(_quote(text)).otherwise(pl.element()))
    if as_texts:
        items = items.list.eval(_with_quotes(pl.element()))
    unique = items.list.drop_nulls().list.unique(maintain_order=True)
    return pl.when(unique.list.len() > 0).then(pl.concat_str(pl.lit("["), unique.list.join(","), pl.lit("]")))


def join_items(arrays: Sequence[pl.Expr]) -> pl.Expr:
    """Return one JSON array of the items of several."""
    inner = [pl.when(array != "[]").then(array.str.slice(1, array.str.len_chars() - 2)) for array in arrays]
    joined = pl.concat_str(inner, separator=",", ignore_nulls=True)
    return pl.when(joined != "").then(pl.concat_str(pl.lit("["), joined, pl.lit("]")))


def _write_factors(rule: Rule, words: Words) -> pl.Expr:
    """Return the second factors at a path as JSON."""
    path, name = rule.at[0], str(rule.factor)
    values = pl.col(column_at(path)) if path.is_many else pl.concat_list(json_at(path, words))
    key = "secret" if name == "totp" else "value"
    wrapped = values.list.eval(
        pl.concat_str(pl.lit(f'{{"{name}":{{"{key}":'), pl.element(), pl.lit("}}"))
    ).list.drop_nulls()
    return pl.when(wrapped.list.len() > 0).then(pl.concat_str(pl.lit("["), wrapped.list.join(","), pl.lit("]")))


def _write_flag(value: pl.Expr) -> pl.Expr:
    return pl.when(value).then(pl.lit(TRUE)).otherwise(pl.lit(FALSE))


def _constant(value: Constant | None, kind: JsonType | None) -> str:
    if kind is JsonType.ARRAY:
        return json.dumps([value], ensure_ascii=False)
    return json.dumps(str(value) if kind is JsonType.STRING else value, ensure_ascii=False)
