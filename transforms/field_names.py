"""Compare names of columns and keys as people write them. The known names are in `schemas`."""

import difflib
from collections.abc import Iterable

from schemas.fields import FIELD_NAMES
from schemas.profiles import HEADER_ALIASES


def fold_name(name: str) -> str:
    """Return the name trimmed and case-folded, its words joined by `_`."""
    return "_".join(name.replace("-", " ").replace("_", " ").casefold().split())


def find_field(name: str) -> str | None:
    """Return the field that a name means, however it is spelled."""
    folded = fold_name(name)
    return folded if folded in FIELD_NAMES else HEADER_ALIASES.get(folded)


def suggest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that is most similar to the given one, if any is similar enough."""
    similar = difflib.get_close_matches(fold_name(name), list(known), n=1, cutoff=0.7)
    return similar[0] if similar else None
