"""The generated parts of the guide of mappings: the keys, the profiles, and what these do with each field."""

from collections.abc import Iterator, Sequence

from pydantic import BaseModel

from schemas.fields import FIELD_NAMES, JsonType
from schemas.job import METADATA
from schemas.mapping.language import TYPES, Mapping, Rule, describe
from schemas.mapping.names import vendor_profiles
from transforms.mapping.profiles import get_profile

HASHES = ("password_hash", "custom_password_hash")
CHANGING = {"value", "join", "pattern", "words", "time", "zone", "separator", "present", "negate", "each", "factor"}


def list_keys(part: type[BaseModel]) -> list[tuple[str, str]]:
    """Return each key of a part of a mapping in code style, and what it says."""
    return [(f"`{name}`", description) for name, description in describe(part)]


def list_profiles() -> Iterator[tuple[str, str, str]]:
    """Yield name, title with a link to the system's description, and formats of every profile."""
    for name in vendor_profiles():
        profile = get_profile(name)
        yield f"`{name}`", f"[{profile.title}]({profile.documentation})", ", ".join(profile.formats)


def list_coverage() -> Iterator[Sequence[str]]:
    """Yield of every profile which fields are kept, rewritten, put into metadata, left out and cannot be said."""
    for name in vendor_profiles():
        profile = get_profile(name)
        rewritten = [field for field in FIELD_NAMES if _is_rewritten(profile, field)]
        kept = [field for field in FIELD_NAMES if field in profile.fields and field not in rewritten]
        unsaid = [field for field in FIELD_NAMES if field not in {*kept, *rewritten, *METADATA}]
        metadata = [f"{table}.{key}" for table in METADATA for key in getattr(profile, table)]
        metadata.append(f"user_metadata.{profile.system}")
        left_out = [path.text for path in profile.leave_out]
        yield f"`{name}`", *(_code(words) for words in (kept, rewritten, metadata, left_out, unsaid))


def _is_rewritten(profile: Mapping, field: str) -> bool:
    if field in HASHES:
        return any(password.scheme or field == HASHES[0] for password in profile.password)
    return any(_changes(field, rule) for rule in profile.fields.get(field, ()))


def _changes(field: str, rule: Rule) -> bool:
    is_list = TYPES[field] is JsonType.ARRAY and any(path.is_many for path in rule.at)
    return is_list or not rule.model_fields_set.isdisjoint(CHANGING)


def _code(words: Sequence[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)
