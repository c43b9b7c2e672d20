"""What a column or key may have meant: names compared as people write them. Which names there are is in `schemas`."""

import difflib
from collections.abc import Iterable

from schemas.rules.user import FIELD_NAMES


def fold_name(name: str) -> str:
    """The name without outer space and case, its words joined by `_`."""
    return "_".join(name.replace("-", " ").replace("_", " ").casefold().split())


def suggest(name: str, known: Iterable[str] = FIELD_NAMES) -> str | None:
    """The known name that is most like the given one, if any is."""
    similar = difflib.get_close_matches(fold_name(name), list(known), n=1, cutoff=0.7)
    return similar[0] if similar else None
