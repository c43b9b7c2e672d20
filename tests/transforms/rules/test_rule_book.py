"""Rules are read from models; a model with a check that cannot be a rule is refused at the start."""

import pandera.polars as pa
import polars as pl
import pytest

from schemas.codes import ErrorCode, Severity
from transforms.rules.rule_book import broken_rows, read_rules


class Valid(pa.DataFrameModel):
    name: str = pa.Field(nullable=True)

    @pa.check("name", error=ErrorCode.MIN_LENGTH, description="is {length} characters long")
    def name_is_long(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(pl.col(data.key).str.len_chars() > 3)


class WithColumns(pa.DataFrameModel):
    name: str = pa.Field(nullable=True)

    @pa.check("name", error=ErrorCode.MIN_LENGTH, description="is short")
    def name_is_long(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.with_columns(pl.lit(value=True))


class Named(pa.DataFrameModel):
    name: str = pa.Field(nullable=True)

    @pa.check("name", error=ErrorCode.MIN_LENGTH, description="is short")
    def name_is_long(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(a=pl.lit(value=True))


class Codeless(pa.DataFrameModel):
    name: str = pa.Field(nullable=True, str_length={"min_value": 3})


class WholeFrame(pa.DataFrameModel):
    name: str = pa.Field(nullable=True)

    @pa.dataframe_check()
    def everything_is_fine(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(pl.lit(value=True))


class NotBoolean(pa.DataFrameModel):
    name: str = pa.Field(nullable=True)

    @pa.check("name", error=ErrorCode.MIN_LENGTH, description="is short")
    def name_is_long(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(pl.col(data.key).str.len_chars())


def test_a_check_becomes_a_rule_with_its_code_and_sentence() -> None:
    (rule,) = read_rules(Valid)
    frame = pl.DataFrame({"name": ["ab", "abcd", None]})
    assert (rule.name, rule.column, rule.code, rule.severity) == (
        "name_is_long",
        "name",
        ErrorCode.MIN_LENGTH,
        Severity.ERROR,
    )
    (broken,) = broken_rows(frame, [rule])
    assert [not is_broken for is_broken in broken] == [False, True, True]
    assert frame.select(rule.message).to_series().to_list()[0] == "is 2 characters long"


@pytest.mark.parametrize("model", [WithColumns, Named, Codeless, WholeFrame, NotBoolean])
def test_a_check_that_cannot_be_a_rule_is_refused(model: type[pa.DataFrameModel]) -> None:
    with pytest.raises(TypeError, match="a rule must"):
        read_rules(model)
