-- grain: one row per matched record and value that differs from the user's, which the update keeps; these are warnings. The
-- first of each field have a message: only those are stored
-- reads: updates; parameters: policies (of each field), most_stored (warnings of a field)
with differing as (
    select record, unnest(string_split(kept_fields, ',')) as path
    from updates
    where kept_fields <> ''
)

select
    record,
    'NOT_CHANGED' as code,
    path,
    case
        when row_number() over (partition by path order by record) <= $most_stored
            then 'differs from the stored value, which ' || coalesce(
                'the policy ' || (to_json($policies) ->> path)
                || ' keeps; --policy ' || path || '=replace takes this one instead',
                'an update does not change'
            )
    end as message,
    'warning' as severity
from differing
