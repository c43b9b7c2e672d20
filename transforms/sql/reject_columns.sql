-- grain: one row per key of the readable refused records, in the order of first appearance, with the JSON types of its
-- values
-- reads: rejects
with members as (
    select
        record,
        unnest(json_keys(text)) as name,
        text
    from rejects
    where is_readable
)

select
    name,
    list(distinct json_type(text, '/' || replace(replace(name, '~', '~0'), '/', '~1'))) as types
from members
group by name
order by min(record), name
