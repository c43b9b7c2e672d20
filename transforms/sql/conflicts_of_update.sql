-- grain: one row per staged record that cannot be matched to one existing user of its own: the errors of upsert and update
-- reads: matches, targets, duplicates, staged; parameters: mode
with sharers as (
    select
        record,
        user_id,
        min(record) over (partition by user_id) as first_record
    from targets
    where matches_one_user
)

select
    record,
    'CONFLICT' as code,
    '' as path,
    'matches different existing users: ' || string_agg(key || ' is held by ' || user_id, ', ' order by key) as message,
    'error' as severity
from matches
semi join (select record from targets where not matches_one_user) as ambiguous using (record)
group by record
union all
select
    record,
    'DUPLICATED_USER' as code,
    '' as path,
    'reaches the existing user ' || user_id || ' as record ' || first_record || ' does' as message,
    'error' as severity
from sharers
anti join duplicates using (record)
where record > first_record
union all
select
    record,
    'NOT_FOUND' as code,
    '' as path,
    'no existing user has its e-mail address, username or user_id' as message,
    'error' as severity
from staged
anti join targets using (record)
where $mode = 'update'
