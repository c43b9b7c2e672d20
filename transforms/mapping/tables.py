"""Make the paths of a mapping those to the columns of one table, whose names are compared folded."""

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel

from schemas.mapping.language import Mapping
from schemas.mapping.paths import Path, column_path
from transforms.field_names import fold_name
from transforms.mapping.profiles import name_column


def for_table(mapping: Mapping, columns: Sequence[str]) -> Mapping:
    """Return the mapping with paths to the columns of these names; what the table does not have is absent."""
    named = {name_column(column, mapping.column_name): column for column in reversed(columns)}

    def resolve(path: Path) -> Path:
        return column_path(named.get(fold_name(path.column), path.column))

    changed: Mapping = _replace_paths(mapping, resolve)
    return changed


def list_missing(mapping: Mapping, columns: Sequence[str]) -> list[str]:
    """Return the names of the columns that the mapping reads, if the table has none of them."""
    named = {name_column(column, mapping.column_name) for column in columns}
    names = [path.column for rules in mapping.fields.values() for rule in rules for path in rule.at]
    return names if named.isdisjoint(map(fold_name, names)) and names else []


def _replace_paths(value: Any, resolve: Any) -> Any:  # noqa: ANN401 - any part of a mapping
    match value:
        case Path():
            return resolve(value)
        case BaseModel():
            return value.model_copy(
                update={name: _replace_paths(getattr(value, name), resolve) for name in type(value).model_fields}
            )
        case tuple():
            return tuple(_replace_paths(item, resolve) for item in value)
        case dict():
            return {name: _replace_paths(item, resolve) for name, item in value.items()}
    return value
