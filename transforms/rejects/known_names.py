"""Find the names of a mapping whose values may be shown: each leads to a field of ours that may be, and to no secret.

How a value under such a name is shown, or hidden where its shape is not that of the field, is in `redact`.
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from schemas.fields import FIELDS, JsonType
from schemas.mapping.paths import Every, Path
from schemas.mapping.secrets import names_secret

if TYPE_CHECKING:  # which loads Pydantic
    from schemas.mapping.language import Mapping as Language
    from schemas.mapping.language import Rule

NAMES = frozenset(field.name for field in FIELDS)
SECRET = {field.name for field in FIELDS if field.secret}
SHOWN = {field.name for field in FIELDS if not field.secret and field.type is not JsonType.OBJECT} - {"identities"}


def known_names(mappings: Iterable["Language | None"]) -> dict[str, str]:
    """Return the names that all mappings know, other than ours, and the field that each leads to; none for a mapping of
    our own format. A name of a member inside the record, or of which a rule takes only a part, is not among them."""
    found = [{} if mapping is None else _names_of(mapping) for mapping in mappings]
    return {name: field for name, field in found[0].items() if all(other.get(name) == field for other in found)}


def _names_of(mapping: "Language") -> dict[str, str]:
    if mapping.record is not None:  # the names are those of members of another object
        return {}
    hidden = {path.steps[0] for path in _hidden_paths(mapping)}
    return {
        name: field
        for field, rules in mapping.fields.items()
        if field in SHOWN
        for rule in rules
        for path in rule.at
        if isinstance(name := path.steps[0], str) and path.steps[1:] in ((), (Every.ITEM,))
        if name not in hidden and name not in NAMES and not names_secret(name)
    }


def _hidden_paths(mapping: "Language") -> Iterator[Path]:
    """Yield the paths to secrets, to what is left out, and to values of which a rule takes only a part."""
    yield from mapping.leave_out
    for password in mapping.password:
        yield from (path for rule in (password.plain, *password.parts.values()) if rule for path in _paths(rule))
    for field, rules in mapping.fields.items():
        yield from (path for rule in rules if field in SECRET or _is_partial(rule) for path in _paths(rule))


def _is_partial(rule: "Rule") -> bool:
    return rule.pattern is not None or rule.present


def _paths(rule: "Rule") -> Iterator[Path]:
    yield from rule.at
    for part in rule.each.values():
        yield from part.at
