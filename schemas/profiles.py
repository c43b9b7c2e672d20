"""Source profiles: the names that the files of a system have for the fields of a user."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from schemas.fields import FIELD_NAMES, FIELDS
from schemas.job import NullMeaning
from schemas.rules.hash_algorithms import ALGORITHMS, AUTH0_ALGORITHMS

if TYPE_CHECKING:  # which loads Pydantic
    from schemas.mapping.language import Mapping as Language

TRUE_WORDS = ("true", "t", "yes", "y", "on", "1", "1.0")
FALSE_WORDS = ("false", "f", "no", "n", "off", "0", "0.0")
ABSENT_WORD = r"\N"  # in a cell, as databases export it


@dataclass(frozen=True)
class Profile:
    """The names of one system: the JSON path of each canonical field, and the words for booleans in cells."""

    name: str
    paths: Mapping[str, str]  # canonical field → DuckDB JSON path in the record; any other field is unknown
    around: tuple[str, ...] = ()  # keys of the objects, or arrays of objects, in which the containers are
    containers: tuple[str, ...] = ("users",)  # keys under which a file that is one object can have its users
    true_words: tuple[str, ...] = TRUE_WORDS
    false_words: tuple[str, ...] = FALSE_WORDS
    header_aliases: Mapping[str, str] = field(default_factory=dict)  # folded header → canonical field
    trims: bool = True  # white space around a text is taken off
    algorithms: tuple[str, ...] = tuple(ALGORITHMS)  # of a `custom_password_hash`
    null: NullMeaning = "refuse"
    title: str = "our own format"
    mapping: "Language | None" = None  # of a system with other names than ours


# columns that the product adds to a file of refused rows; an import ignores them
REJECT_COLUMNS = ("import_line", "import_codes", "import_paths", "import_messages")
ORIGINAL_COLUMN = "import_original"  # the text of a record that could not be read, if any
IGNORED_COLUMNS = (*REJECT_COLUMNS, ORIGINAL_COLUMN)

# common headers of spreadsheets, folded; only words that can mean one field only
HEADER_ALIASES: Mapping[str, str] = {
    alias: field_name
    for field_name, aliases in {
        "email": (
            *("e_mail", "e_mail_address", "email_address", "emailaddress", "mail", "user_email"),
            *("e_mail_adresse", "emailadresse", "mailadresse", "adresse_e_mail", "adresse_email", "courriel"),
            *("correo", "correo_electrónico", "correo_electronico", "indirizzo_e_mail", "e_mailadres"),
        ),
        "email_verified": ("emailverified",),
        "phone_number": (
            *("phone", "phonenumber", "telephone", "mobile", "mobile_phone", "mobile_number", "mobile_phone_number"),
            *("telefon", "telefonnummer", "handy", "mobiltelefon", "téléphone", "téléphone_portable"),
            *("teléfono", "telefono", "telefone", "celular", "telefoon", "telefoonnummer"),
        ),
        "phone_verified": ("phoneverified", "phone_number_verified"),
        "user_id": ("userid", "user_guid"),
        "username": (
            *("user_name", "benutzername", "nom_d'utilisateur", "nombre_de_usuario", "nome_utente", "gebruikersnaam"),
            "nome_de_usuário",
        ),
        "given_name": (
            *("first_name", "firstname", "givenname", "forename"),
            *("vorname", "prénom", "prenom", "voornaam", "primeiro_nome"),
        ),
        "family_name": (
            *("last_name", "lastname", "familyname", "surname"),
            *("nachname", "familienname", "nom_de_famille", "apellido", "apellidos", "cognome", "achternaam"),
            *("sobrenome", "apelido"),
        ),
        "name": ("full_name", "fullname", "display_name", "displayname", "anzeigename", "nom_complet"),
        "nickname": ("nick_name", "spitzname", "surnom"),
        "picture": ("picture_url", "avatar", "avatar_url", "photo_url"),
        "password_hash": ("passwordhash",),
        "app_metadata": ("appmetadata",),
        "user_metadata": ("usermetadata",),
        "middle_name": ("middlename",),
        "zoneinfo": ("timezone", "time_zone"),
        "birthdate": (
            *("birth_date", "date_of_birth", "dateofbirth"),
            *("geburtsdatum", "date_de_naissance", "fecha_de_nacimiento", "data_di_nascita", "geboortedatum"),
        ),
        "registered_at": ("registeredat",),
        "last_login_at": ("lastloginat",),
        "source_id": ("sourceid",),
    }.items()
    for alias in aliases
}

AUTH0_IMPORT = "auth0-import"  # Auth0's exact format; never chosen for a file
CANONICAL_PATHS = {name: f"$.{name}" for name in FIELD_NAMES}
AUTH0_PATHS = {field.name: f"$.{field.name}" for field in FIELDS if not field.wider}

PROFILES: Mapping[str, Profile] = {
    profile.name: profile
    for profile in (
        Profile("auth0", CANONICAL_PATHS),
        Profile(AUTH0_IMPORT, AUTH0_PATHS, trims=False, algorithms=tuple(AUTH0_ALGORITHMS)),
        Profile("csv", CANONICAL_PATHS, header_aliases=HEADER_ALIASES),
    )
}
