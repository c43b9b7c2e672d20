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
from schemas.job import NullMeaning
from schemas.mapping.language import Constant, Mapping, Rule
from schemas.mapping.paths import Path
from schemas.profiles import FALSE_WORDS, TRUE_WORDS
from transforms.json.encoding import encode_string
from transforms.json.values import decode_string
from transforms.mapping.times import write_date, write_time
from transforms.mapping.values_at import column_at

TRUE, FALSE, NULL = "true", "false", "null"
TEXT = r'"(?:[^"\\]|\\.)*"'
TEXTS = rf"^\[\s*{TEXT}(?:\s*,\s*{TEXT})+\s*\]$"

# what other systems write freely: a text that is not in the form of the field after cleaning goes to the metadata
FITTING = {
    "phone_number": r"^\+[0-9]{1,15}$",
    "picture": r"^https?://[^\s]+$",
    "locale": r"^[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*$",
    "zoneinfo": r"^(?:[A-Z][A-Za-z_]+(?:/[A-Za-z0-9_+-]+)+|UTC|GMT)$",
    "birthdate": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
}
CLEANING = {"phone_number": (r"^tel:|\(0\)|[\s().\-/]", ""), "locale": ("_", "-")}


@dataclass(frozen=True)
class Words:
    """What texts mean in one mapping: which are absent, which are true and which are false, in lower case."""

    absent: frozenset[str]
    true: frozenset[str]
    false: frozenset[str]
    null: NullMeaning
    is_strict: bool

    @classmethod
    def of(cls, mapping: Mapping) -> "Words":
        """Return the words of a mapping, beside those that every table has for true and false."""
        absent, true, false = (
            {word.lower() for word in words} for words in (mapping.null_words, mapping.true_words, mapping.false_words)
        )
        return cls(
            frozenset(absent if mapping.strict else {"", *absent}),
            frozenset(({*TRUE_WORDS} - false) | true),
            frozenset(({*FALSE_WORDS} - true) | false),
            null=mapping.null,
            is_strict=mapping.strict,
        )


def read_field(rules: Sequence[Rule], field: Field | None, words: Words) -> pl.Expr:
    """Return the JSON text of a field (of a member of metadata, if None) from the columns of its paths.

    Of several rules, the first that gives a text counts, all items of lists, and of true and false one that is true;
    what is neither of them counts before both. A null that the mapping does not take for absent is null.
    """
    return choose_value([read_rule(rule, field, words) for rule in rules], rules, field, words)


def choose_value(found: Sequence[pl.Expr], rules: Sequence[Rule], field: Field | None, words: Words) -> pl.Expr:
    """Return the JSON text of a field of what each of its rules gives."""
    return keep_null(_choose(found, field), rules, words)


def keep_null(value: pl.Expr, rules: Sequence[Rule], words: Words) -> pl.Expr:
    """Return the value of the rules, or null if one of their paths has it: any if it is to be refused, else one beside
    which there is no value."""
    at = [path for rule in rules if not rule.present for path in rule.at if not path.is_many]
    if words.null == "absent" or not at:
        return value
    is_null = pl.any_horizontal(pl.col(column_at(path)) == NULL for path in at)
    return pl.when(is_null if words.null == "refuse" else is_null & value.is_null()).then(pl.lit(NULL)).otherwise(value)


def _choose(found: Sequence[pl.Expr], field: Field | None) -> pl.Expr:
    kind = field.type if field else None
    if len(found) == 1:
        return found[0]
    if kind is JsonType.ARRAY:
        return _each_once(join_items(found))
    if kind is JsonType.BOOLEAN:
        neither = (pl.when(~value.is_in([TRUE, FALSE])).then(value) for value in found)
        is_true = pl.any_horizontal(value == TRUE for value in found)
        return pl.coalesce(*neither, pl.when(is_true).then(pl.lit(TRUE)), *found)
    return pl.coalesce(found)


def text_at(path: Path, words: Words) -> pl.Expr:
    """Return the text at a path, of several the first: decoded if it is a string, else as written; absent ones null."""
    value = json_at(path, words)
    return pl.when(value.str.starts_with('"')).then(decode_string(value)).otherwise(value)


def json_at(path: Path, words: Words) -> pl.Expr:
    """Return the JSON text at a path, of several the first; null where it is absent, or a word for that."""
    column = pl.col(column_at(path))
    value = column.list.first() if path.is_many else column
    absent = [NULL, *(json.dumps(word, ensure_ascii=False) for word in words.absent)]
    text = value if words.absent == {""} else value.str.to_lowercase()
    return pl.when(~text.is_in(absent)).then(value)


def fits_of(rule: Rule, field: Field | None, words: Words) -> str | None:
    """Return the pattern of the texts that the field takes, if others go to the metadata."""
    return rule.fits if rule.fits is not None or field is None or words.is_strict else FITTING.get(field.name)


def read_rule(rule: Rule, field: Field | None, words: Words) -> pl.Expr:
    """Return the JSON text that one rule gives, without nulls."""
    kind = field.type if field else None
    if not rule.at:
        return pl.lit(_constant(rule.value, kind))
    if rule.factor:
        return _write_factors(rule, words)
    if kind is JsonType.ARRAY:
        value = _read_list(rule, words)
    elif rule.present:
        value = _write_presence(rule.at[0], words)
    else:
        value = _read_value(rule, field, words)
    if rule.negate:
        value = pl.when(value == TRUE).then(pl.lit(FALSE)).when(value == FALSE).then(pl.lit(TRUE)).otherwise(value)
    return value if rule.default is None else value.fill_null(_constant(rule.default, kind))


def _read_value(rule: Rule, field: Field | None, words: Words) -> pl.Expr:
    name, kind = (field.name, field.type) if field else ("", None)
    fits = fits_of(rule, field, words)
    if rule.join is None and not (rule.pattern or rule.words or rule.time or fits):
        return _as_type(json_at(rule.at[0], words), kind, words)
    texts = [_scalar_at(path, words) for path in rule.at]
    joined = pl.concat_str(texts, separator=rule.join or "", ignore_nulls=True)
    text = texts[0] if len(texts) == 1 else pl.when(joined != "").then(joined)
    if rule.pattern:
        text = text.str.replace(rule.pattern, _replacement(rule))
        text = pl.when(~text.str.to_lowercase().is_in(list(words.absent))).then(text)
    if rule.time:
        write = write_date if name == "birthdate" else write_time
        text = write(text, rule.time, rule.zone)
    if fits:
        cleaned = text.str.replace_all(*CLEANING[name]) if name in CLEANING and rule.fits is None else text
        text = pl.when(cleaned.str.contains(fits)).then(cleaned)
    value = _mapped(text, rule, kind, _as_type(encode_string(text), kind, words))
    others = [_without_scalars(json_at(path, words)) for path in rule.at]
    return value if fits else pl.coalesce(*others, value)


def _scalar_at(path: Path, words: Words) -> pl.Expr:
    """Return the text at a path, of nothing but a string, a number, true and false."""
    return pl.when(_without_scalars(json_at(path, words)).is_null()).then(text_at(path, words))


def _without_scalars(value: pl.Expr) -> pl.Expr:
    return pl.when(value.str.contains(r"^(?:[{\[]|null$)")).then(value)


def _mapped(text: pl.Expr, rule: Rule, kind: JsonType | None, value: pl.Expr) -> pl.Expr:
    if not rule.words:
        return value
    meanings = {word.lower(): _constant(meaning, kind) for word, meaning in rule.words.items()}
    return text.str.strip_chars().str.to_lowercase().replace_strict(meanings, default=value, return_dtype=pl.String)


def _as_type(value: pl.Expr, kind: JsonType | None, words: Words) -> pl.Expr:
    """Return the JSON text of a value as one of the field's type, if it is that value in another spelling."""
    if words.is_strict:
        return value
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
        return _write_items(pl.col(column_at(path)), rule, words)
    value, text = json_at(path, words), text_at(path, words)
    pieces = text.str.split(rule.separator) if rule.separator else pl.concat_list(text)
    array = _write_items(pl.col(column_at(path.items)), rule, words) if rule.changes_items else value
    return (
        pl.when(value.str.contains(r"^(?:[{]|null$)"))
        .then(value)
        .when(value.str.starts_with("["))
        .then(array)
        .when(value.is_not_null())
        .then(_write_items(pieces.list.eval(encode_string(pl.element())), rule, words))
    )


def _write_items(items: pl.Expr, rule: Rule, words: Words) -> pl.Expr:
    """Return the items, which are JSON texts, as an array of texts, each once; null where there is none."""
    item = pl.element()
    given: pl.Expr = pl.when(item.str.starts_with('"')).then(decode_string(item).str.strip_chars())
    if rule.words:  # a flag can say who has a role: what the other word means is empty
        given = given.fill_null(pl.when(item.is_in([TRUE, FALSE])).then(item))
    text = given.str.replace(rule.pattern, _replacement(rule)) if rule.pattern else given
    is_absent = text.str.to_lowercase().is_in(list(words.absent))
    value = pl.coalesce(encode_string(text), _with_quotes(item))
    value = _mapped(pl.coalesce(text, item), rule, JsonType.STRING, value)
    kept = items.list.eval(pl.when(is_absent.is_null() | ~is_absent).then(value))
    kept = kept.list.eval(pl.when(pl.element() != '""').then(pl.element())) if rule.words else kept
    unique = kept.list.drop_nulls().list.unique(maintain_order=True)
    return pl.when(unique.list.len() > 0).then(pl.concat_str(pl.lit("["), unique.list.join(","), pl.lit("]")))


def join_items(arrays: Sequence[pl.Expr]) -> pl.Expr:
    """Return one JSON array of the items of several."""
    inner = [pl.when(array != "[]").then(array.str.slice(1, array.str.len_chars() - 2)) for array in arrays]
    joined = pl.concat_str(inner, separator=",", ignore_nulls=True)
    return pl.when(joined != "").then(pl.concat_str(pl.lit("["), joined, pl.lit("]")))


def _each_once(array: pl.Expr) -> pl.Expr:
    """Return the JSON array with each of its texts once; one with other items as it is."""
    once = array.str.extract_all(TEXT).list.unique(maintain_order=True).list.join(",")
    written = pl.concat_str(pl.lit("["), once, pl.lit("]"))
    return pl.when(array.str.contains(TEXTS)).then(written).otherwise(array)


def _write_factors(rule: Rule, words: Words) -> pl.Expr:
    """Return the second factors at a path as JSON."""
    path, name = rule.at[0], str(rule.factor)
    values = pl.col(column_at(path)) if path.is_many else pl.concat_list(json_at(path, words))
    if rule.pattern:
        text = decode_string(pl.element()).str.replace(rule.pattern, _replacement(rule))
        values = values.list.eval(encode_string(text))
    key = "secret" if name == "totp" else "value"
    wrapped = values.list.eval(
        pl.concat_str(pl.lit(f'{{"{name}":{{"{key}":'), pl.element(), pl.lit("}}"))
    ).list.drop_nulls()
    return pl.when(wrapped.list.len() > 0).then(pl.concat_str(pl.lit("["), wrapped.list.join(","), pl.lit("]")))


def _write_presence(path: Path, words: Words) -> pl.Expr:
    """Return true or false; null where a record has no such member at all, so that an update leaves the field alone."""
    is_given = pl.lit(value=True) if path.is_many else pl.col(column_at(path)).is_not_null()
    has_value = json_at(path, words).is_not_null()
    return pl.when(is_given & has_value).then(pl.lit(TRUE)).when(is_given).then(pl.lit(FALSE))


def _constant(value: Constant | None, kind: JsonType | None) -> str:
    if kind is JsonType.ARRAY:
        return json.dumps([value], ensure_ascii=False)
    return json.dumps(str(value) if kind is JsonType.STRING else value, ensure_ascii=False)
