"""The rules of the fields that other systems have beyond the import format of Auth0. `User` inherits them.

Rules elsewhere: types, lengths and clean text, which all fields share, in `schemas.rules.user`; the items of `roles`
and `groups` in `schemas.rules.list_items`, those of `identities` in `schemas.rules.identities`.
"""

import pandera.polars as pa
import polars as pl

from schemas.canonical import items_column
from schemas.codes import ErrorCode
from schemas.fields import LIST_FIELDS, TIME_FIELDS
from schemas.formats.dates import is_date, is_time
from schemas.formats.language_tag import is_language_tag
from schemas.formats.text import TextColumns
from schemas.formats.time_zones import TIME_ZONES

MOST_ITEMS = 1_000


class WiderRecordRules(TextColumns):
    """The rules of these fields' values."""

    @pa.check(
        "locale",
        error=ErrorCode.FORMAT,
        description="is not a language tag (BCP 47), such as de or pt-BR{with_unseen}",
    )
    def locale_is_a_language_tag(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(is_language_tag(pl.col(data.key)) | ~cls.is_clean(data.key))

    @pa.check(
        "zoneinfo",
        error=ErrorCode.FORMAT,
        description="is not the name of a time zone (IANA), such as Europe/Berlin{with_unseen}",
    )
    def zoneinfo_is_a_time_zone(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(pl.col(data.key).is_in(TIME_ZONES) | ~cls.is_clean(data.key))

    @pa.check("birthdate", error=ErrorCode.FORMAT, description="is not a date such as 1990-12-31{with_unseen}")
    def birthdate_is_a_date(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(is_date(pl.col(data.key)) | ~cls.is_clean(data.key))

    @pa.check(
        *TIME_FIELDS,
        error=ErrorCode.FORMAT,
        description="is not a time with an offset (RFC 3339), such as 2024-02-29T13:05:00Z{with_unseen}",
    )
    def time_is_of_rfc_3339(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(is_time(pl.col(data.key)) | ~cls.is_clean(data.key))

    @pa.check(
        *LIST_FIELDS,
        error=ErrorCode.ARRAY_LENGTH_LONG,
        description=f"has {{items}} items; at most {MOST_ITEMS:,} are allowed",
    )
    def list_is_at_most_1000_items(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(pl.col(items_column(data.key)) <= MOST_ITEMS)
