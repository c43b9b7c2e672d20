"""Make the arguments of a command and the parameters of a flow from an options model.

The options themselves are declared in `schemas.options`; nothing here names one of them.
"""

import inspect
import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from types import NoneType
from typing import Annotated, Literal, TypeVar, get_args, get_origin

from cyclopts import App, Group, Parameter, Token
from pydantic import BaseModel, Field, ValidationError
from pydantic.fields import FieldInfo

from flows.readers.limits import Range
from flows.report.command_line import UsageError
from schemas.options import GROUPS, Option, option_of, require_one_line
from schemas.source_names import hide_url_secrets

Function = TypeVar("Function", bound=Callable[..., object])
Options = TypeVar("Options", bound=BaseModel)
NO_NUMBER = -1  # in a form, which shows an optional number as two tabs
NO_TEXT = ""
MOST_CHARACTERS = 255  # of the name of a job, a user or a connection
SHOWN_CHARACTERS = 80  # of a value that cannot be used
MUST = {"Input should be": "must be", "String should": "must"}
MOST_DIGITS = 30  # of a number that is repeated in an error
UNITS = {"m": "minutes", "h": "hours", "d": "days"}
LONGEST_PERIOD = timedelta(days=366)


def command_line(model: type[BaseModel], *, without: Sequence[str] = ()) -> Callable[[Function], Function]:
    """Give a command one argument for each field of the model but some, in place of its `**options`."""
    return _with_parameters(model, _argument, lambda field: field.default, without=without)


def form(model: type[BaseModel]) -> Callable[[Function], Function]:
    """Give a flow one flat parameter for each field of the model, in place of its `**options`."""
    lines = "".join(f"    {name}: {_form_description(field)}\n" for name, field in model.model_fields.items())

    def decorate(flow: Function) -> Function:
        text = inspect.cleandoc(flow.__doc__ or "")
        args = "" if "\nArgs:" in text else "\n\nArgs:"
        flow.__doc__ = f"{text}{args}\n{lines}"  # where Prefect looks for descriptions
        return _with_parameters(model, _form_type, _form_default)(flow)

    return decorate


def to_form(options: BaseModel) -> dict[str, object]:
    """Return the options as parameters of their flow, as JSON values; what is not UTF-8 in a name is escaped."""
    absent = {name: _absent(field) for name, field in type(options).model_fields.items()}
    values = json.loads(json.dumps(options.model_dump()))
    return {name: absent[name] if value is None else _escape(value) for name, value in values.items()}


def _escape(value: object) -> object:
    if isinstance(value, list):
        return [*map(_escape, value)]
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value


def from_form(model: type[Options], values: Mapping[str, object]) -> Options:
    """Return the options that the parameters of a flow stand for; raise `UsageError` if a value is out of bounds."""
    absent = {name: _absent(field) for name, field in model.model_fields.items()}
    return parse_options(model, **{name: None if value == absent[name] else value for name, value in values.items()})


def parse_options(model: type[Options], **values: object) -> Options:
    """Return the options that the arguments of a command stand for; raise `UsageError` if a value is out of bounds."""
    try:
        return model(**values)
    except ValidationError as error:
        wrong = error.errors(include_url=False)[0]
        name, message = str(wrong["loc"][0]).replace("_", "-"), wrong["msg"].removeprefix("Value error, ")
        shown = hide_url_secrets(repr(wrong["input"]))
        shown = shown if len(shown) <= SHOWN_CHARACTERS else f"{shown[:SHOWN_CHARACTERS]}…"
        message = re.sub("Input should be|String should", lambda found: MUST[found[0]], message)
        raise UsageError(f"--{name} {message}, not {shown}") from None


def command_group(name: str, description: str) -> App:
    """Return an app whose options have their defaults in the help and no negative form."""
    shown = Parameter(negative=(), show_default=format_default, allow_repeating=True)  # the last one counts
    return App(
        name=name, help=description, default_parameter=shown, version_flags=(), suppress_keyboard_interrupt=False
    )


def option_group(name: str) -> Group:
    """Return the heading of the help that some options stand under."""
    return Group(name, sort_key=GROUPS.index(name))


def parse_count(_type: object, tokens: Sequence[Token]) -> int:
    """Return a number of things that an argument says."""
    text = tokens[-1].value
    if not text.isdecimal() or len(text) > MOST_DIGITS:
        reason = "too large" if text.isdecimal() else "negative or not a whole number"
        raise ValueError(f"{text[:MOST_DIGITS]}{'…' * (len(text) > MOST_DIGITS)} is {reason}")
    return int(text)


def count_in(allowed: Range) -> Parameter:
    """Return how an argument is parsed that is a whole number of that range."""

    def convert(kind: object, tokens: Sequence[Token]) -> int:
        number = parse_count(kind, tokens)
        if not allowed.least <= number <= allowed.most:
            raise ValueError(f"{number} is not {allowed}")
        return number

    return Parameter(metavar="N", converter=convert)


def parse_period(_type: object, tokens: Sequence[Token]) -> timedelta:
    """Return a period that an argument says, such as 24h."""
    text = tokens[-1].value
    found = re.fullmatch(r"([0-9]{1,6})([mhd])", text)
    period = timedelta(**{UNITS[found[2]]: int(found[1])}) if found else timedelta()
    if not timedelta() < period <= LONGEST_PERIOD:
        raise ValueError(f"{text[:SHOWN_CHARACTERS]!a} is not a period such as 90m, 24h or 7d, up to 366d")
    return period


def parse_text(_type: object, tokens: Sequence[Token]) -> str:
    """Return a name that an argument says: not empty, and on one line."""
    text = tokens[-1].value
    if not 0 < len(text) <= MOST_CHARACTERS:
        raise ValueError(f"a name must have 1 to {MOST_CHARACTERS} characters, not {len(text)}")
    try:
        return require_one_line(text)
    except ValueError as error:
        raise ValueError(f"{text!a} cannot be used: it {error}") from None


def parse_path(_type: object, tokens: Sequence[Token]) -> Path:
    """Return the path that an argument says."""
    if not tokens[-1].value:
        raise ValueError("an empty text is not the name of a file")
    return Path(tokens[-1].value)


def parse_paths(_type: object, tokens: Sequence[Token]) -> tuple[Path, ...]:
    """Return the paths that a repeated argument says."""
    return tuple(parse_path(Path, [token]) for token in tokens)


def format_default(value: object) -> str | None:
    """Return a default as people read it, or None where there is none to show."""
    match value:
        case None | {}:
            return None
        case bool():
            return "on" if value else "off"
        case tuple():
            return ",".join(map(str, value))
        case float():
            return f"{value:g}"
        case _:
            return str(value)


def _with_parameters(
    model: type[BaseModel],
    type_of: Callable[[FieldInfo], object],
    default_of: Callable[[FieldInfo], object],
    *,
    without: Sequence[str] = (),
) -> Callable[[Function], Function]:
    """Spell out the signature of a function that takes the fields of a model as `**options`."""

    def decorate(function: Function) -> Function:
        own = inspect.signature(function)
        parameters = {name: parameter for name, parameter in own.parameters.items() if name != "options"}
        for name, field in model.model_fields.items():
            if name in without:
                continue
            default = inspect.Parameter.empty if field.is_required() else default_of(field)
            parameter = parameters.get(name, inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default))
            parameters[name] = parameter.replace(annotation=type_of(field))
        function.__signature__ = own.replace(parameters=[*parameters.values()])  # type: ignore[attr-defined] # what `inspect` looks at first
        annotations = {name: parameter.annotation for name, parameter in parameters.items()}
        function.__annotations__ = annotations | {"return": own.return_annotation}
        return function

    return decorate


def _argument(field: FieldInfo) -> object:
    """Return the type of a command's argument with its help; what is required is positional."""
    option, kind, required = option_of(field), field.annotation, field.is_required() or None
    group, metavar = option_group(option.group), option.metavar or None
    converter = parse_count if int in (kind, *get_args(kind)) else None
    shown = Parameter(help=field.description, group=group, metavar=metavar, required=required, converter=converter)
    # tuples and mappings are one argument with commas; the model says which words there are
    if get_origin(kind) is dict:
        pairs = Parameter(converter=_parse_pairs, n_tokens=-1, accepts_keys=False)
        return Annotated[dict[str, str], shown, pairs]
    if get_origin(kind) is not tuple:
        return Annotated[kind, shown]
    if required:
        return Annotated[get_args(kind)[0], shown]
    return Annotated[tuple[str, ...], shown, Parameter(converter=_parse_words, n_tokens=1)]


def _parse_words(_type: object, tokens: Sequence[Token]) -> list[str]:
    """Return the words of a list with commas; of several arguments the last one counts."""
    return [word.strip() for word in tokens[-1].value.split(",")]


def _parse_pairs(_type: object, tokens: Sequence[Token]) -> dict[str, str]:
    """Return the pairs NAME=VALUE of all arguments; of several with a name the last one counts."""
    pairs = [pair for token in tokens for pair in token.value.split(",")]
    if wrong := [pair for pair in pairs if "=" not in pair]:
        raise ValueError(f"{wrong[0]!r} is not a pair NAME=VALUE")
    return {name.strip(): value.strip() for name, _, value in (pair.partition("=") for pair in pairs)}


def _form_type(field: FieldInfo) -> object:
    """Return the type of a flow's parameter: what is optional has a value that means nothing."""
    absent = _absent(field)
    if absent is not None and (words := _words(field)):
        return Annotated[str, Field(json_schema_extra={"enum": [NO_TEXT, *words]})]
    if absent is not None:
        return str if absent == NO_TEXT else Annotated[int, Field(ge=NO_NUMBER)]
    marks = [mark for mark in field.metadata if not isinstance(mark, Option)]
    if choices := option_of(field).choices:
        marks.append(Field(json_schema_extra={"enum": [*choices()]}))
    return Annotated[(field.annotation, *marks)] if marks else field.annotation


def _words(field: FieldInfo) -> list[str]:
    """Return the words of which an optional field is one, if it is one of some."""
    return [word for kind in get_args(field.annotation) if get_origin(kind) is Literal for word in get_args(kind)]


def _form_description(field: FieldInfo) -> str:
    text, absent = str(field.description), _absent(field)
    return text if absent is None else f"{text.rstrip('.')}; {absent or 'empty'} for none."


def _form_default(field: FieldInfo) -> object:
    if field.default is None:
        return _absent(field)
    return [*field.default] if isinstance(field.default, tuple) else field.default


def _absent(field: FieldInfo) -> int | str | None:
    """Return what a form shows where an optional field has no value; None for a field that always has one."""
    kinds = get_args(field.annotation)
    if NoneType not in kinds:
        return None
    return NO_NUMBER if int in kinds else NO_TEXT
