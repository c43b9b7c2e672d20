-- grain: one row: whether the users that an undo changes hold so much in their objects that their rows are long, by a
-- sample: there is no telling without reading them
-- reads: users; parameters: undone (the job), connection
with sample as (
    select app_metadata, user_metadata
    from users
    where connection = $connection and updated_by_job = $undone
    limit 1000
)

select avg(strlen(concat(app_metadata::varchar, user_metadata::varchar))) > 4096 as are_long
from sample
