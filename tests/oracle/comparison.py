"""Puts records before the product and before the oracle, and asserts that they say the same."""

import json
from collections.abc import Mapping, Sequence
from typing import cast

from tests.oracle.json_schema import VALIDATOR
from tests.oracle.twin import faults_in
from tests.validation import faults, validate_texts

BATCH = 50


def compare(records: Sequence[object], *, texts: Sequence[str] | None = None) -> int:
    """How many of the records both refuse; `texts` are the records as the product shall see them.

    Raises:
        AssertionError: they differ in a code or path of a record, or the schema refuses one that is accepted.

    """
    verdicts = validate_texts(texts or records)
    found = faults(verdicts, len(records))
    accepted = set(verdicts.accepted["record"])
    for number, (record, codes) in enumerate(zip(records, found, strict=True), 1):
        expected = faults_in(cast("Mapping[str, object]", record))
        assert codes == expected, f"{codes - expected} too many, {expected - codes} missing: {json.dumps(record)}"
        assert (number in accepted) == (not codes), record
        if not codes:
            assert VALIDATOR.is_valid(record), record
        elif {code for code, _ in codes} <= SAID_BY_SCHEMA:
            assert not VALIDATOR.is_valid(record), record
    return len(records) - len(accepted)


SAID_BY_SCHEMA = {
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
