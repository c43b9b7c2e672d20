-- grain: one row: mean bytes of metadata of the users that the job updates
-- reads: updates
select avg(strlen(concat(before.app_metadata::varchar, before.user_metadata::varchar))) as mean_bytes
from updates
where is_changed
