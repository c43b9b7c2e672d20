-- grain: one row, what a merge left in the tables: the recorded changes, the users written, and a checksum of their keys
with changes as (
    select
        count(*) filter (where action = 'insert') as inserts,
        count(*) filter (where action = 'update') as updates
    from user_changes
    where job_id = $job_id
),

written as (
    select
        count(*) filter (where created_by_job = $job_id) as created,
        count(*) filter (where created_by_job <> $job_id) as changed,
        coalesce(sum(hash(user_id, email_key, username_key)), 0) as key_sum
    from users
    where connection = $connection and updated_by_job = $job_id
)

select changes.inserts, changes.updates, written.created, written.changed, written.key_sum
from changes
cross join written
