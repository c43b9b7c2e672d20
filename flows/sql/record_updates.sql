-- grain: one row per user that the job updated: the row before, and a digest of the row after
insert into user_changes by name
with after as (
    select *, $now::timestamptz as updated_at, $job_id as updated_by_job
    from updates
    where is_changed
)

select
    $job_id as job_id,
    connection,
    user_id,
    'update' as action,
    $now::timestamptz as changed_at,
    before as row_before,
    user_digest(after) as digest_after
from after
