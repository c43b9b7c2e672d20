-- grain: one row per key of the readable refused records, in the order in which they first appear: which JSON types its
-- values have
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
