"""Choose the profile of a source: by name, by a mapping file, or by what the beginning of the source shows.

A profile is never guessed: where two fit, both are named; what is nobody's is read as our own format.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

from flows.readers.mapping.sample import read_sample
from flows.readers.sources import Source
from schemas.codes import ErrorCode
from schemas.faults import FileFault
from schemas.fields import FIELD_NAMES
from schemas.job import NullMeaning
from schemas.mapping.names import MAPPED
from schemas.mapping.signs import Sample
from schemas.profiles import IGNORED_COLUMNS, PROFILES, Profile
from transforms.field_names import find_field, fold_name

if TYPE_CHECKING:  # which loads Pydantic
    from schemas.mapping.language import Mapping

SAMPLED_BY_READER = ("parquet", "excel")  # which is started once: it takes a process of its own
OWN = frozenset({*FIELD_NAMES, *IGNORED_COLUMNS})
KEYS = frozenset({"email", "username", "user_id", "phone_number"})


def choose_profile(
    source: Source,
    *,
    form: str,
    requested: str = "auto",
    mapping: "Mapping | None" = None,
    null: NullMeaning | None = None,
) -> Profile:
    """Return the profile of a source whose format is known; `null` says what null means instead of the profile.

    Raise `FileFault` if several profiles fit, or the source is nobody's and has no field of a user.
    """
    return _with_null(_choose(source, form=form, requested=requested, mapping=mapping), null)


def _with_null(profile: Profile, null: NullMeaning | None) -> Profile:
    if null is None:
        return profile
    mapping = profile.mapping and profile.mapping.model_copy(update={"null": null})
    return replace(profile, null=null, mapping=mapping)


def _choose(source: Source, *, form: str, requested: str, mapping: "Mapping | None") -> Profile:
    if mapping is not None:
        return _mapped(MAPPED, mapping)
    if requested in PROFILES:
        return PROFILES[requested]
    if requested != "auto":
        from transforms.mapping.profiles import get_profile  # noqa: PLC0415 - reads the mapping of one system

        return _mapped(requested, get_profile(requested))
    if form in SAMPLED_BY_READER:
        return PROFILES["csv"]
    return recognise(read_sample(source, form=form, containers=_list_containers, around=_list_around), name=source.name)


def recognise(sample: Sample, *, name: str, null: NullMeaning | None = None) -> Profile:
    """Return the profile that the sample of a source of this name has the signs of, else that of our own format."""
    own = PROFILES["csv" if sample.is_table else "auth0"]
    return _with_null(own if is_own(sample) else _find_fitting(sample, own, name=name), null)


def _list_containers() -> frozenset[str]:
    from transforms.mapping.profiles import list_containers  # noqa: PLC0415 - most files begin with their users

    return list_containers() | {*PROFILES["auth0"].containers}


def _list_around() -> frozenset[str]:
    from transforms.mapping.profiles import list_around_containers  # noqa: PLC0415 - most files begin with their users

    return list_around_containers()


def is_own(sample: Sample) -> bool:
    """Return whether the sample has no other names than those of our own format."""
    if sample.is_table:
        return bool(sample.columns) and all(_is_known_column(column) for column in sample.columns)
    records = sample.records_under(PROFILES["auth0"].containers)
    if sample.document and records == [sample.document] and KEYS.isdisjoint(sample.document):
        return False  # a document with lists that have the names of ours, such as identities
    return all(OWN.issuperset(record) for record in records)


def _is_known_column(column: str) -> bool:
    name = fold_name(column)
    return name in IGNORED_COLUMNS or find_field(column) is not None or not name


def _find_fitting(sample: Sample, own: Profile, *, name: str) -> Profile:
    from transforms.mapping.profiles import find_fits, get_profile  # noqa: PLC0415 - our own format needs none

    fits = find_fits(sample)
    if len(fits) == 1:
        return _mapped(fits[0].name, get_profile(fits[0].name))
    if fits:
        titles = " and ".join(f"{get_profile(fit.name).title} ({fit.name})" for fit in fits)
        message = f"{name} may be {titles}"
        raise FileFault(ErrorCode.PROFILE_AMBIGUOUS, message, f"say which, such as --profile {fits[0].name}")
    return _read_aliases(sample, own)


def _read_aliases(sample: Sample, own: Profile) -> Profile:
    """Return our own format, with the names that keys of JSON have for the fields, as columns can have them."""
    from transforms.mapping.aliases import alias_mapping  # noqa: PLC0415

    if sample.is_table:
        return own
    keys = {key: None for record in sample.records_under(own.containers) for key in record}
    mapping = alias_mapping(keys)
    return own if mapping is None else _mapped(own.name, mapping)


def _mapped(name: str, mapping: "Mapping") -> Profile:
    own, containers = PROFILES["auth0"], mapping.containers
    return replace(
        own,
        name=name,
        title=mapping.title,
        around=mapping.around,
        containers=containers,
        null=mapping.null,
        mapping=mapping,
    )
