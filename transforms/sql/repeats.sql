-- grain: one row per staged record and key that an earlier staged record has too; these are errors in every mode
-- reads: duplicates
select
    record,
    'DUPLICATED_USER' as code,
    key as path,
    'repeats the ' || key || ' of record ' || first_record as message,
    'error' as severity
from duplicates
