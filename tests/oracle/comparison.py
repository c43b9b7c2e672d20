"""Validates records by the product and by the oracle and asserts that both find the same faults."""

import json
from collections.abc import Mapping, Sequence
from typing import cast

from tests.oracle.json_schema import VALIDATOR
from tests.oracle.twin import faults_in, trimmed
from tests.validation import faults_by_record, validate_texts

BATCH = 50


def compare(records: Sequence[object], *, texts: Sequence[str] | None = None) -> int:
    """Return how many of the records both refuse; `texts` are the records as JSON for the product.

    Raises:
        AssertionError: a code or path differs, or the schema refuses a record that is accepted.

    """
    validated = validate_texts(texts or records)
    found = faults_by_record(validated, len(records))
    accepted = set(validated.accepted["record"])
    for number, (record, codes) in enumerate(zip(records, found, strict=True), 1):
        given = cast("Mapping[str, object]", record)
        expected = faults_in(given)
        assert codes == expected, f"{codes - expected} too many, {expected - codes} missing: {json.dumps(record)}"
        errors = {code for code, _ in codes} - {"TRIMMED"}
        assert (number in accepted) == (not errors), record
        if not errors:
            assert VALIDATOR.is_valid(trimmed(given)), record
        elif errors <= CODES_OF_SCHEMA:
            assert not VALIDATOR.is_valid(trimmed(given)), record
    return len(records) - len(accepted)


CODES_OF_SCHEMA = {
    "ANY_OF_MISSING",
    "ARRAY_LENGTH_LONG",
    "ARRAY_LENGTH_SHORT",
    "ENUM_MISMATCH",
    "FORMAT",
    "INVALID_TYPE",
    "MAXIMUM",
    "MAX_LENGTH",
    "MFA_FACTORS_FAILED",
    "MINIMUM",
    "MIN_LENGTH",
    "OBJECT_REQUIRED",
    "PATTERN",
    "UNKNOWN_FIELD",
}
