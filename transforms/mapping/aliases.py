"""Make a mapping of records in our own format whose keys are spelled as the headers of tables may be."""

from collections.abc import Iterable

from schemas.fields import FIELD_NAMES
from schemas.mapping.language import Mapping, Rule
from schemas.mapping.paths import column_path
from transforms.field_names import find_field


def alias_mapping(keys: Iterable[str]) -> Mapping | None:
    """Return the mapping from keys to the fields that they mean; None where each field has its own name."""
    found = {key: field for key in keys if (field := find_field(key)) and key != field}
    if not found:
        return None
    fields = {
        field: tuple(Rule(at=(column_path(key),)) for key in (field, *(key for key in found if found[key] == field)))
        for field in FIELD_NAMES
    }
    return Mapping(title="our own format", strict=True, null="refuse", rest="refuse", fields=fields)
