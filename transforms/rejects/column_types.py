"""Choose types for columns of JSON texts that keep every value: an integer never becomes a float with fewer digits."""

from decimal import Decimal

import polars as pl

MOST_DIGITS = 38  # of a decimal number in Parquet that other programs can read
INTEGER = r"^(?:0|-?[1-9][0-9]*)$"
PLAIN = r"^-?[0-9.]+$"


class TypeFinder:
    """Find the narrowest type that holds all values of a column."""

    def __init__(self) -> None:
        self._is_boolean = self._is_number = self._is_integer = self._is_plain = self._is_exact = True
        self._lowest = self._highest = Decimal(0)
        self._scale = 0

    def add(self, values: pl.Series) -> None:
        """Take further values of the column into account: JSON texts of booleans and numbers."""
        is_boolean = values.is_in(["true", "false"])
        self._is_boolean &= is_boolean.all()
        self._is_number &= not is_boolean.any()
        if self._is_number and len(values):
            self._add_numbers(values)

    def _add_numbers(self, values: pl.Series) -> None:
        self._is_integer &= values.str.contains(INTEGER).all()
        self._is_plain &= values.str.contains(PLAIN).all()
        numbers = [Decimal(value) for value in values]
        self._is_exact &= all(Decimal(repr(float(number))) == number for number in numbers)
        self._lowest, self._highest = min(self._lowest, *numbers), max(self._highest, *numbers)
        self._scale = max(self._scale, *(len(value.partition(".")[2]) for value in values))

    def find(self) -> pl.DataType:
        """Return the type: text, unless all values are booleans or numbers that another type holds exactly."""
        if self._is_boolean is self._is_number:  # both without values, neither with values of both kinds
            return pl.String()
        if self._is_boolean:
            return pl.Boolean()
        if self._is_integer and self._lowest >= -(2**63) and self._highest < 2**63:
            return pl.Int64()
        if self._is_integer and self._lowest >= 0 and self._highest < 2**64:
            return pl.UInt64()
        if self._is_exact:
            return pl.Float64()
        digits = max(self._lowest.adjusted(), self._highest.adjusted(), 0) + 1 + self._scale
        return pl.Decimal(MOST_DIGITS, self._scale) if self._is_plain and digits <= MOST_DIGITS else pl.String()
