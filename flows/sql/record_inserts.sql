-- grain: one row per user that the job inserted, with a digest of the row
insert into user_changes by name
select
    $job_id as job_id,
    connection,
    user_id,
    'insert' as action,
    $now::timestamptz as changed_at,
    user_digest(users) as digest_after
from users
where connection = $connection and created_by_job = $job_id
