-- grain: one row per user that the job inserted or updated: the row before, and a digest of the row after
insert into user_changes by name
select
    $job_id as job_id,
    users.connection,
    users.user_id,
    case when changed.user_id is null then 'insert' else 'update' end as action,
    $now::timestamptz as changed_at,
    changed.before as row_before,
    user_digest(users) as digest_after
from users
left join (select user_id, before from updates where is_changed) as changed on users.user_id = changed.user_id
where users.connection = $connection and users.updated_by_job = $job_id
