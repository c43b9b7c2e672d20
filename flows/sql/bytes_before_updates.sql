-- grain: one row: how many bytes of metadata the users that the job updates have, on average
-- reads: updates
select avg(strlen(concat(before.app_metadata::varchar, before.user_metadata::varchar))) as mean_bytes
from updates
where is_changed
