"""Make the arguments of a command, the parameters of a flow and the table of the documentation from an options model.

The options themselves are declared in `schemas.options`; nothing here names one of them.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from types import NoneType
from typing import Annotated, TypeVar, get_args, get_origin

from cyclopts import App, Argument, Group, Parameter, Token
from pydantic import BaseModel, Field, ValidationError
from pydantic.fields import FieldInfo

from flows.report.command_line import UsageError
from schemas.options import GROUPS, Option, option_of

Function = TypeVar("Function", bound=Callable[..., object])
Options = TypeVar("Options", bound=BaseModel)
Parameters = Mapping[str, tuple[object, object]]  # annotation and default by name
NO_NUMBER = -1  # in a form, which shows an optional number as two tabs
NO_TEXT = ""
NO_DEFAULT = Parameter(show_default=False)


def command_line(model: type[BaseModel]) -> Callable[[Function], Function]:
    """Give a command one argument for each field of the model, in place of its `**options`."""
    return _with_parameters({name: (_argument(field), _default(field)) for name, field in _fields(model)})


def form(model: type[BaseModel]) -> Callable[[Function], Function]:
    """Give a flow one flat parameter for each field of the model, in place of its `**options`."""
    parameters = {name: (_form_type(field), _in_form(field, _default(field))) for name, field in _fields(model)}
    lines = "".join(f"    {name}: {_form_description(field)}\n" for name, field in _fields(model))

    def decorate(flow: Function) -> Function:
        text = inspect.cleandoc(flow.__doc__ or "")
        args = "" if "\nArgs:" in text else "\n\nArgs:"
        flow.__doc__ = f"{text}{args}\n{lines}"  # where Prefect looks for descriptions
        return _with_parameters(parameters)(flow)

    return decorate


def to_form(options: BaseModel) -> dict[str, object]:
    """Return the options as parameters of their flow, as JSON values."""
    values = options.model_dump(mode="json")
    return {name: _in_form(field, values[name]) for name, field in _fields(type(options))}


def from_form(model: type[Options], values: Mapping[str, object]) -> Options:
    """Return the options that the parameters of a flow stand for."""
    fields = model.model_fields
    return model.model_validate(
        {name: None if _is_absent(fields[name], value) else value for name, value in values.items()}
    )


def parse_options(model: type[Options], **values: object) -> Options:
    """Return the options that the arguments of a command stand for.

    Raises:
        UsageError: a value is out of bounds.

    """
    try:
        return model(**values)
    except ValidationError as error:
        wrong = error.errors(include_url=False)[0]
        name, message = str(wrong["loc"][0]).replace("_", "-"), wrong["msg"].removeprefix("Value error, ")
        raise UsageError(f"--{name} {message.replace('Input should be', 'must be')}, not {wrong['input']}") from None


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
    if not text.isdecimal():
        message = f"{text} is negative or not a whole number"
        raise ValueError(message)
    return int(text)


def option_table(app: App) -> str:
    """Return the options of a command as a Markdown table."""
    options = [argument for argument in app.assemble_argument_collection() if argument.name.startswith("--")]
    return "\n".join(["| option | default | meaning |", "| --- | --- | --- |", *map(_option_row, options)]) + "\n"


def _option_row(argument: Argument) -> str:
    show = argument.parameter.show_default
    default = str(show(argument.field_info.default)) if callable(show) else ""
    name = " ".join(filter(None, (argument.name, argument.parameter.metavar)))
    choices = ", ".join(f"`{choice}`" for choice in argument.get_choices() or ())
    meaning = f"{argument.parameter.help}{f' One of {choices}.' if choices else ''}"
    return f"| `{name}` | {f'`{default}`' if default else '–'} | {meaning} |"


def format_default(value: object) -> str:
    """Return a default as people read it; empty where there is none."""
    match value:
        case None:
            return ""
        case bool():
            return "on" if value else "off"
        case tuple():
            return ",".join(map(str, value))
        case float():
            return f"{value:g}"
        case _:
            return str(value)


def _with_parameters(parameters: Parameters) -> Callable[[Function], Function]:
    """Spell out the signature of a function that takes some parameters as `**options`."""

    def decorate(function: Function) -> Function:
        own = inspect.signature(function)
        named = [
            parameter.replace(annotation=parameters[name][0]) if name in parameters else parameter
            for name, parameter in own.parameters.items()
            if parameter.kind is not inspect.Parameter.VAR_KEYWORD
        ]
        others = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)
            for name, (annotation, default) in parameters.items()
            if name not in own.parameters
        ]
        signature = own.replace(parameters=[*named, *others])
        function.__signature__ = signature  # type: ignore[attr-defined] # what `inspect` looks at first
        function.__annotations__ = {name: value.annotation for name, value in signature.parameters.items()} | {
            "return": own.return_annotation
        }
        return function

    return decorate


def _argument(field: FieldInfo) -> object:
    """Return the type of a command's argument with its help; what is required is positional."""
    option, kind = option_of(field), field.annotation
    is_list = get_origin(kind) is tuple
    shown = Parameter(help=field.description, group=option_group(option.group), metavar=option.metavar or None)
    if field.is_required():
        return Annotated[get_args(kind)[0] if is_list else kind, shown, Parameter(required=True)]
    if is_list:  # one argument with commas; the model says which words there are
        return Annotated[tuple[str, ...], shown, Parameter(converter=_split_list, n_tokens=1, negative=())]
    return Annotated[kind, shown, NO_DEFAULT] if field.default is None else Annotated[kind, shown]


def _split_list(_type: object, tokens: Sequence[Token]) -> tuple[str, ...]:
    return tuple(value.strip() for value in tokens[-1].value.split(","))


def _form_type(field: FieldInfo) -> object:
    """Return the type of a flow's parameter: what is optional has a value that means nothing."""
    option = option_of(field)
    marks = [mark for mark in field.metadata if not isinstance(mark, Option)]
    if option.choices:
        marks.append(Field(json_schema_extra={"enum": [*option.choices()]}))
    kind = field.annotation
    if NoneType in get_args(kind):
        (kind,) = (one for one in get_args(kind) if one is not NoneType)
        marks = [Field(ge=NO_NUMBER)] if kind is int else []
    return Annotated[(kind, *marks)] if marks else kind


def _form_description(field: FieldInfo) -> str:
    if not _is_optional(field):
        return str(field.description)
    absent = _in_form(field, None)
    return f"{str(field.description).rstrip('.')}; {'empty' if absent == NO_TEXT else absent} for none."


def _in_form(field: FieldInfo, value: object) -> object:
    """Return what a form shows for a value of the field."""
    if value is None and _is_optional(field):
        return NO_NUMBER if int in get_args(field.annotation) else NO_TEXT
    return [*value] if isinstance(value, tuple) else value


def _is_absent(field: FieldInfo, value: object) -> bool:
    return _is_optional(field) and value == _in_form(field, None)


def _is_optional(field: FieldInfo) -> bool:
    return NoneType in get_args(field.annotation)


def _fields(model: type[BaseModel]) -> list[tuple[str, FieldInfo]]:
    return [*model.model_fields.items()]


def _default(field: FieldInfo) -> object:
    return inspect.Parameter.empty if field.is_required() else field.default
