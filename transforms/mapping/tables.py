"""Make the paths of a mapping those to the columns of one table, whose names are compared folded."""

from collections.abc import Sequence
from typing import Any

from schemas.mapping.language import Mapping, Part
from schemas.mapping.paths import Path, column_path
from schemas.profiles import ABSENT_WORD
from transforms.field_names import fold_name
from transforms.mapping.profiles import name_column


def for_table(mapping: Mapping, columns: Sequence[str]) -> Mapping:
    """Return the mapping with paths to the columns of these names; what the table does not have is absent."""
    named = {name_column(column, mapping.column_name): column for column in reversed(columns)}

    def resolve(path: Path) -> Path:
        whole, first = named.get(fold_name(path.column)), named.get(fold_name(str(path.steps[0])))
        if whole is None and first is not None:
            return Path(path.text, (first, *path.steps[1:]))
        return column_path(whole or path.column)

    changed: Mapping = _replace_paths(mapping, resolve)
    return changed.model_copy(update={"null_words": (*mapping.null_words, ABSENT_WORD)})


def list_missing(mapping: Mapping, columns: Sequence[str]) -> list[str]:
    """Return the names of the columns that the mapping reads, if the table has none of them."""
    named = {name_column(column, mapping.column_name) for column in columns}
    paths = [path for rules in mapping.fields.values() for rule in rules for path in rule.at]
    given = {fold_name(name) for path in paths for name in (path.column, str(path.steps[0]))}
    return [path.column for path in paths] if named.isdisjoint(given) else []


def _replace_paths(value: Any, resolve: Any) -> Any:  # noqa: ANN401 - any part of a mapping
    match value:
        case Path():
            return resolve(value)
        case Part():
            return value.model_copy(
                update={name: _replace_paths(getattr(value, name), resolve) for name in type(value).model_fields}
            )
        case tuple():
            return tuple(_replace_paths(item, resolve) for item in value)
        case dict():
            return {name: _replace_paths(item, resolve) for name, item in value.items()}
    return value
