-- grain: one row per staged record that cannot be matched to one existing user; these are the errors of upsert and update
-- reads: matches, targets, cleared_fields, staged; parameters: mode, match_on (keys, in order)
select
    record,
    'CONFLICT' as code,
    '' as path,
    'matches different existing users: ' || string_agg(
        key || ' is held by ' || user_id, ', ' order by list_position($match_on, key)
    ) as message,
    'error' as severity
from matches
semi join (select record from targets where not matches_one_user) as ambiguous using (record)
where list_contains($match_on, key)
group by record
union all
select
    record,
    'NOT_FOUND' as code,
    '' as path,
    'matches no existing user by ' || array_to_string($match_on, ' or ') as message,
    'error' as severity
from staged
anti join targets using (record)
where $mode = 'update'
union all
select
    record,
    case key when 'email' then 'CONFLICT_EMAIL' when 'username' then 'CONFLICT_USERNAME' else 'CONFLICT' end as code,
    key as path,
    'is held by the existing user ' || user_id || ', which the job must not match by this key' as message,
    'error' as severity
from matches
anti join targets using (record)
where $mode = 'upsert'
union all
select
    record,
    'INVALID_TYPE' as code,
    unnest(keys) as path,
    'is null, but the matching user has one; an update cannot clear a key' as message,
    'error' as severity
from cleared_fields
