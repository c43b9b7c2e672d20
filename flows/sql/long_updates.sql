-- grain: one row: whether the users that the job updates hold so much in their objects that their rows are long
-- reads: updates
select avg(strlen(concat(before.app_metadata::varchar, before.user_metadata::varchar))) > 4096 as are_long
from updates
where is_changed
