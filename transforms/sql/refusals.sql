-- grain: one row per staged record and reason to refuse it: a key that an earlier record has too, or a conflict
-- reads: duplicates, targets, the table of conflicts; parameter: conflicts (its name)
select
    record,
    'DUPLICATED_USER' as code,
    key as path,
    'repeats the ' || key || ' of record ' || first_record as message,
    'error' as severity
from duplicates
where key <> 'user'
union all by name
select
    record,
    'DUPLICATED_USER' as code,
    '' as path,
    'matches the existing user ' || targets.user_id || ', as record ' || first_record || ' does' as message,
    'error' as severity
from duplicates
inner join targets using (record)
where key = 'user'
union all by name
from query_table($conflicts)
