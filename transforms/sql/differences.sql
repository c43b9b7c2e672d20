-- grain: one row per matched record and value that differs from the user's, which the update keeps; these are warnings
-- reads: updates; parameter: policies (of each field)
with differing as (
    select record, unnest(string_split(kept_fields, ',')) as path
    from updates
    where kept_fields <> ''
)

select
    record,
    'NOT_CHANGED' as code,
    path,
    'differs from the stored value, which ' || coalesce(
        'the policy ' || (to_json($policies) ->> path) || ' keeps; --policy ' || path || '=replace takes this one instead',
        'an update does not change'
    ) as message,
    'warning' as severity
from differing
