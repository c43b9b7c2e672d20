-- grain: one row: mean bytes of metadata of the users that an undo changes, from a sample, because nothing else reads all
-- reads: users; parameters: undone (the job), connection
with sampled as (
    select app_metadata, user_metadata
    from users
    where connection = $connection and updated_by_job = $undone
    limit 1000
)

select avg(strlen(concat(app_metadata::varchar, user_metadata::varchar))) as mean_bytes
from sampled
