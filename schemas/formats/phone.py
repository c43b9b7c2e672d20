"""Phone numbers: E.164, a plus sign and 1 to 15 digits."""

import pandera.polars as pa
import polars as pl

from schemas.codes import ErrorCode
from schemas.formats.text import TextColumns

PHONE = r"^\+[0-9]{1,15}$"
PHONE_COLUMNS = r"^(?:phone_number|mfa_factors\[\]\.phone\.value)$"


class PhoneRules(TextColumns):
    """The rule of every column that holds a phone number; a model with such a column inherits it."""

    @pa.check(
        PHONE_COLUMNS,
        regex=True,
        error=ErrorCode.PATTERN,
        description="must be + followed by 1 to 15 digits (E.164){with_unseen}",
    )
    def phone_number_is_e164(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(pl.col(data.key).str.contains(PHONE) | ~cls.is_clean(data.key))
