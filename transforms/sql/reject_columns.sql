-- grain: one row per key of the readable refused records, in the order of first appearance
-- reads: reject_texts
with keys as (
    select record, unnest(json_keys(text)) as name
    from reject_texts
    where is_readable
)

select name
from keys
group by name
order by min(record), name
