"""Source profiles: what the files of a system call the fields of a user. One record per system."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from schemas.rules.user import FIELD_NAMES

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


# Columns that the product adds to a file of refused rows; on the way back in they are not looked at.
REJECT_COLUMNS = ("import_line", "import_codes", "import_paths", "import_messages")
ORIGINAL_COLUMN = "import_original"  # the text of a record that could not be read, where there is one
IGNORED_COLUMNS = (*REJECT_COLUMNS, ORIGINAL_COLUMN)

# What spreadsheets call the fields, folded; only words that mean one field and nothing else.
HEADER_ALIASES: Mapping[str, str] = {
    "e_mail": "email",
    "e_mail_address": "email",
    "email_address": "email",
    "emailaddress": "email",
    "mail": "email",
    "emailverified": "email_verified",
    "phone": "phone_number",
    "phonenumber": "phone_number",
    "telephone": "phone_number",
    "phoneverified": "phone_verified",
    "userid": "user_id",
    "user_name": "username",
    "first_name": "given_name",
    "firstname": "given_name",
    "givenname": "given_name",
    "last_name": "family_name",
    "lastname": "family_name",
    "familyname": "family_name",
    "surname": "family_name",
    "full_name": "name",
    "fullname": "name",
    "display_name": "name",
    "displayname": "name",
    "nick_name": "nickname",
    "picture_url": "picture",
    "avatar": "picture",
    "avatar_url": "picture",
    "passwordhash": "password_hash",
    "appmetadata": "app_metadata",
    "usermetadata": "user_metadata",
}

CANONICAL_PATHS = {name: f"$.{name}" for name in FIELD_NAMES}

PROFILES: Mapping[str, Profile] = {
    profile.name: profile
    for profile in (
        Profile("auth0", CANONICAL_PATHS),
        Profile("csv", CANONICAL_PATHS, header_aliases=HEADER_ALIASES),
    )
}
