"""Source profiles: the names that the files of a system have for the fields of a user."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from schemas.rules.user import FIELD_NAMES

TRUE_WORDS = ("true", "1", "yes", "y", "on")
FALSE_WORDS = ("false", "0", "no", "n", "off")


@dataclass(frozen=True)
class Profile:
    """The names of one system: the JSON path of each canonical field, and the words for booleans in cells."""

    name: str
    paths: Mapping[str, str]  # canonical field → DuckDB JSON path in the record
    containers: tuple[str, ...] = ("users",)  # keys under which a file that is one object can have its users
    true_words: tuple[str, ...] = TRUE_WORDS
    false_words: tuple[str, ...] = FALSE_WORDS
    header_aliases: Mapping[str, str] = field(default_factory=dict)  # folded header → canonical field


# columns that the product adds to a file of refused rows; an import ignores them
REJECT_COLUMNS = ("import_line", "import_codes", "import_paths", "import_messages")
ORIGINAL_COLUMN = "import_original"  # the text of a record that could not be read, if any
IGNORED_COLUMNS = (*REJECT_COLUMNS, ORIGINAL_COLUMN)

# common headers of spreadsheets, folded; only words that can mean one field only
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
