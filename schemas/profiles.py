"""Source profiles: what the files of a system call the fields of a user. One record per system."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from schemas.user import FIELD_NAMES

TRUE_WORDS = ("true", "1", "yes", "y", "on")
FALSE_WORDS = ("false", "0", "no", "n", "off")


@dataclass(frozen=True)
class Profile:
    """One system's names: the JSON path of each canonical field, and the words its cells use for booleans."""

    name: str
    paths: Mapping[str, str]  # canonical field → DuckDB JSON path in the record
    containers: tuple[str, ...] = ("users",)  # keys that an object file may hold its users under
    true_words: tuple[str, ...] = TRUE_WORDS
    false_words: tuple[str, ...] = FALSE_WORDS
    header_aliases: Mapping[str, str] = field(default_factory=dict)  # folded header → canonical field


CANONICAL_PATHS = {name: f"$.{name}" for name in FIELD_NAMES}

PROFILES: Mapping[str, Profile] = {
    profile.name: profile
    for profile in (
        Profile("auth0", CANONICAL_PATHS),
        Profile("csv", CANONICAL_PATHS),
    )
}
