"""Rewrite password hashes of other systems, each by the form that its scheme finds in it."""

from collections.abc import Callable, Iterable, Mapping

import polars as pl

from schemas.hashing import SCHEMES, HashParameters
from transforms.hashes.applications import DISCOURSE, REDMINE
from transforms.hashes.firebase_spellings import FIREBASE_EXPORT
from transforms.hashes.forms import ABSENT, RESULT, UNKNOWN, Form, rewrite_form, unsupported
from transforms.hashes.key_derivation_spellings import ANY_ASPNET
from transforms.hashes.keycloak import ALGORITHMS, OTHER, open_credentials
from transforms.hashes.named import BCRYPT_IN_PARTS, NAMES, SELF_DESCRIBED, fold
from transforms.hashes.spellings import BCRYPT_SHA256, DJANGO_DIGEST, SPELLINGS, WERKZEUG_HMAC, without_prefix

Chosen = tuple[pl.Expr, Form]
ROCKETCHAT = (ABSENT, BCRYPT_SHA256, unsupported("Argon2 of SHA-256", r"^\$argon2", "$argon2id$…"))


def rewrite_hashes(parts: pl.DataFrame, *, scheme: str, parameters: HashParameters) -> pl.DataFrame:
    """Return the columns of RESULT, one row per row of `parts`, whose columns are texts named by the scheme.

    A row without a `value` has no hash. Raise `KeyError` if there is no such scheme.
    """
    absent = [pl.lit(None, dtype=pl.String).alias(name) for name in SCHEMES[scheme].parts if name not in parts.columns]
    rows = _OPENED.get(scheme, _unchanged)(parts.with_columns(absent)).with_row_index("place")
    choices = _CHOICES[scheme]()
    number = pl.coalesce(*(pl.when(fits).then(pl.lit(place)) for place, (fits, _) in enumerate(choices)))
    chosen = rows.with_columns(form=number)
    written = [
        pl.concat(
            [group.select("place"), rewrite_form(group, _form_at(choices, place), parameters=parameters)],
            how="horizontal",
        )
        for (place,), group in chosen.partition_by("form", as_dict=True, maintain_order=True).items()
    ]
    empty = rows.clear().select("place").hstack(RESULT.to_frame())
    return pl.concat([empty, *written]).sort("place").select(RESULT.names())


def _form_at(choices: list[Chosen], place: object) -> Form:
    return choices[place][1] if isinstance(place, int) else UNKNOWN


def _unchanged(parts: pl.DataFrame) -> pl.DataFrame:
    return parts


def _open_spelled(parts: pl.DataFrame) -> pl.DataFrame:
    return parts.with_columns(without_prefix(pl.col("value")))


def _begins(forms: Iterable[Form]) -> list[Chosen]:
    return [(pl.col("value").str.contains(form.begins), form) for form in forms]


def _always(form: Form) -> list[Chosen]:
    return [*_begins([ABSENT]), (pl.col("value").is_not_null(), form)]


def _named(scheme: str) -> list[Chosen]:
    """Return the forms of a value beside a name: what the name says, unless the value says it itself."""
    name, value = fold(pl.col("algorithm")), pl.col("value")
    in_parts = (name == "bcrypt") & pl.col("salt").is_not_null() & ~value.str.starts_with("$")
    names = [(name == known, form) for known, form in NAMES[scheme].items()]
    described = [(name == known, form) for known, form in SELF_DESCRIBED.items()]
    return [*_begins([ABSENT]), (in_parts, BCRYPT_IN_PARTS), *names, *_begins(SPELLINGS), *described]


def _keycloak() -> list[Chosen]:
    named = [(pl.col("algorithm") == name, form) for name, form in ALGORITHMS.items()]
    return [*named, *_begins(SPELLINGS), (pl.col("algorithm").is_not_null(), OTHER)]


_OPENED: Mapping[str, Callable[[pl.DataFrame], pl.DataFrame]] = {
    **dict.fromkeys(("spelled", "django", "werkzeug", *NAMES), _open_spelled),
    "keycloak": open_credentials,
}
_CHOICES: Mapping[str, Callable[[], list[Chosen]]] = {
    "spelled": lambda: _begins(SPELLINGS),
    "django": lambda: _begins((DJANGO_DIGEST, *SPELLINGS)),
    "werkzeug": lambda: _begins((WERKZEUG_HMAC, *SPELLINGS)),
    "aspnet": lambda: _always(ANY_ASPNET),
    "named": lambda: _named("named"),
    "okta": lambda: _named("okta"),
    "fusionauth": lambda: _named("fusionauth"),
    "keycloak": _keycloak,
    "firebase": lambda: _always(FIREBASE_EXPORT),
    "discourse": lambda: _always(DISCOURSE),
    "redmine": lambda: _always(REDMINE),
    "rocketchat": lambda: _begins(ROCKETCHAT),
}
