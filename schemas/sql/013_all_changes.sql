-- grain: one row per user and job that changed it: the rows of user_changes, and the inserts, which have none. An insert is found
-- in the row of the user, or in a row before a change, that still names its job as the last; several can be the same
create view all_changes as
with inserted as (
    select created_by_job as job_id, connection, user_id, created_at, digest
    from users
    where created_by_job = updated_by_job and digest is not null
    union all
    select row_before.created_by_job, connection, user_id, row_before.created_at, row_before.digest
    from user_changes
    where row_before.created_by_job = row_before.updated_by_job and row_before.digest is not null
)

select
    job_id,
    connection,
    user_id,
    action,
    changed_at,
    row_before,
    digest_after
from user_changes
union all
select
    job_id,
    connection,
    user_id,
    'insert' as action,
    any_value(created_at) as changed_at,
    null as row_before,
    any_value(digest) as digest_after
from inserted
group by job_id, connection, user_id
