"""The records of the sample files: invented people, and the codes and paths of the errors of each faulty record."""

from dataclasses import dataclass

Record = dict[str, object]
BCRYPT = "$2b$10$" + "abcdefghijklmnopqrstuuKWZl2yPbGEtJGZ3kXfXgXgXgXgXgXgX"[:53].ljust(53, "x")


@dataclass(frozen=True)
class Faulty:
    """A record and the errors that it must have; `raw` is the line of a record that a dictionary cannot hold."""

    record: Record
    errors: tuple[tuple[str, str], ...] = ()
    raw: str | None = None
    in_cells: bool = True  # whether the cells of a table can hold the fault


CLEAN: tuple[Record, ...] = (
    {
        "email": "ada.lund@example.com",
        "email_verified": True,
        "user_id": "u-1001",
        "username": "ada",
        "given_name": "Ada",
        "family_name": "Lund",
        "name": "Ada Lund",
        "picture": "https://img.example.com/ada.png",
        "app_metadata": {"plan": "team", "roles": ["owner"]},
        "user_metadata": {"language": "sv"},
    },
    {"email": "bruno.keller@example.com", "name": "Bruno Keller", "password_hash": BCRYPT, "email_verified": True},
    {"email": "chidi@example.org", "phone_number": "+2348000000001", "phone_verified": True, "nickname": "Chi"},
    {"email": "dana@example.net", "username": "dana.r", "blocked": True},
    {
        "email": "elodie@bücher.example",
        "given_name": "Élodie",
        "family_name": "Marchand",
        "user_metadata": {"note": "line one\nline two, with a comma; and “quotes”"},
    },
    {
        "email": "farid@example.com",
        "custom_password_hash": {
            "algorithm": "sha256",
            "hash": {"value": "ab" * 32, "encoding": "hex"},
            "salt": {"value": "c2FsdA==", "encoding": "base64", "position": "prefix"},
        },
    },
    {
        "email": "grace@example.com",
        "mfa_factors": [{"totp": {"secret": "JBSWY3DPEHPK3PXP"}}, {"phone": {"value": "+4930123456"}}],
    },
    {"email": "00123@example.com", "user_id": "00123", "username": "00123", "name": "Zip Code"},
    {"email": "ivana@example.com", "given_name": "Ivana", "family_name": "O'Neill-Đorđević"},
    {"email": "jun@example.jp", "name": "山田 純", "user_metadata": {"language": "ja"}},
    {
        "email": "karin@example.com",
        "name": "Karin M. Vogt",
        "middle_name": "M.",
        "locale": "de-CH",
        "zoneinfo": "Europe/Zurich",
        "birthdate": "1988-02-29",
        "registered_at": "2019-11-04T08:30:00Z",
        "last_login_at": "2026-01-15T17:45:12.5+01:00",
        "roles": ["editor", "reviewer"],
        "groups": ["Zürich", "staff"],
        "identities": [{"provider": "google", "user_id": "1077", "email": "karin.vogt@example.net"}],
        "source_id": "00417",
    },
)

FAULTY: tuple[Faulty, ...] = (
    Faulty({"email": "kim@example.com", "name": "Kim Okafor", "username": "kim"}),
    Faulty({"name": "No Address"}, (("OBJECT_REQUIRED", "email"),)),
    Faulty({"email": "no address"}, (("FORMAT", "email"),)),
    Faulty({"email": "x" * 65 + "@example.com"}, (("MAX_LENGTH", "email"),)),
    Faulty({"email": 17, "name": "Number Seventeen"}, (("INVALID_TYPE", "email"),), in_cells=False),
    Faulty({"email": "lena@example.com", "name": None}, (("INVALID_TYPE", "name"),), in_cells=False),
    Faulty({"email": "mara@example.com", "blocked": "perhaps"}, (("INVALID_TYPE", "blocked"),)),
    Faulty({"email": "noor@example.com", "phone_number": "030 123"}, (("PATTERN", "phone_number"),)),
    Faulty({"email": "omar@example.com", "user_id": "has a space"}, (("PATTERN", "user_id"),)),
    Faulty({"email": "pia@example.com", "given_name": ""}, (("MIN_LENGTH", "given_name"),), in_cells=False),
    Faulty({"email": "quin@example.com", "family_name": "y" * 151}, (("MAX_LENGTH", "family_name"),)),
    Faulty({"email": "rosa@example.com", "username": "rosa@example.com"}, (("NOT_PASSED", "username"),)),
    Faulty({"email": "sven@example.com", "username": "sv en"}, (("PATTERN", "username"),)),
    Faulty({"email": "tara@example.com", "picture": "img/tara.png"}, (("FORMAT", "picture"),)),
    Faulty({"email": "ugo@example.com", "password_hash": "plain text"}, (("PATTERN", "password_hash"),)),
    Faulty(
        {
            "email": "vera@example.com",
            "password_hash": BCRYPT,
            "custom_password_hash": {"algorithm": "md5", "hash": {"value": "ab" * 16, "encoding": "hex"}},
        },
        (("NOT_PASSED", "custom_password_hash"),),
    ),
    Faulty(
        {
            "email": "will@example.com",
            "custom_password_hash": {"algorithm": "md5", "hash": {"value": "abc", "encoding": "hex"}},
        },
        (("HASH_MISMATCH", "custom_password_hash.hash.value"),),
    ),
    Faulty(
        {
            "email": "xena@example.com",
            "custom_password_hash": {
                "algorithm": "scrypt",
                "hash": {"value": "ab" * 32, "encoding": "hex"},
                "keylen": 0,
                "cost": 16384,
            },
        },
        (("MINIMUM", "custom_password_hash.keylen"),),
    ),
    Faulty(
        {"email": "yuri@example.com", "custom_password_hash": {"algorithm": "rot13", "hash": {"value": "uryyb"}}},
        (("ENUM_MISMATCH", "custom_password_hash.algorithm"),),
    ),
    Faulty(
        {"email": "zoe@example.com", "app_metadata": {"identities": []}}, (("NOT_PASSED", "app_metadata.identities"),)
    ),
    Faulty({"email": "abel@example.com", "mfa_factors": []}, (("ARRAY_LENGTH_SHORT", "mfa_factors"),)),
    Faulty(
        {"email": "bela@example.com", "mfa_factors": [{"totp": {"secret": "JBSWY3DPEHPK3PXP"}}] * 11},
        (("ARRAY_LENGTH_LONG", "mfa_factors"),),
    ),
    Faulty({"email": "caro@example.com", "mfa_factors": [{}]}, (("ANY_OF_MISSING", "mfa_factors[0]"),)),
    Faulty(
        {
            "email": "dino@example.com",
            "mfa_factors": [{"phone": {"value": "+491"}, "email": {"value": "dino@example.com"}}],
        },
        (("MFA_FACTORS_FAILED", "mfa_factors[0]"),),
    ),
    Faulty({"email": "ebba@example.com", "name": "tab\there\u0007"}, (("INVALID_TEXT", "name"),)),
    Faulty(
        {"email": "fay@example.com", "given_name": "f" * 151, "phone_number": "1", "picture": "ftp://x.example/"},
        (("MAX_LENGTH", "given_name"), ("PATTERN", "phone_number"), ("FORMAT", "picture")),
    ),
    Faulty({"email": "KIM@example.com", "name": "Kim Again"}, (("DUPLICATED_USER", "email"),)),
    Faulty({"email": "gus@example.com", "isAdmin": True}, (("UNKNOWN_FIELD", "isAdmin"),), in_cells=False),
    Faulty({}, (("MALFORMED_RECORD", ""),), raw='{"email":"half@example.com",'),
    Faulty({}, (("NOT_AN_OBJECT", ""),), raw='["hana@example.com"]'),
    Faulty({}, (("DUPLICATE_KEY", "email"),), raw='{"email":"ida@example.com","email":"ida@example.org"}'),
    Faulty({"email": "jens@example.com", "locale": "de_DE"}, (("FORMAT", "locale"),)),
    Faulty({"email": "kaja@example.com", "birthdate": "1990-02-30"}, (("FORMAT", "birthdate"),)),
    Faulty({"email": "lars@example.com", "last_login_at": "2024-02-29 13:05"}, (("FORMAT", "last_login_at"),)),
    Faulty({"email": "mila@example.com", "roles": ["editor", "editor"]}, (("NOT_PASSED", "roles[1]"),)),
    Faulty(
        {"email": "nils@example.com", "identities": [{"provider": "google"}]},
        (("OBJECT_REQUIRED", "identities[0].user_id"),),
    ),
    Faulty({"email": "last@example.com", "name": "Last One In"}),
)
