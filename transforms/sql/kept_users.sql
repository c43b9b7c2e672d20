-- grain: one row per user and reason that an undo leaves as it is: a later change, or another user that now holds its key
-- reads: changes_to_undo, users, user_changes, import_jobs; parameters: undone, connection
with changed_since as (
    select changes.user_id, arg_max(changes.job_id, import_jobs.end_sequence) as last_job
    from (
        select connection, user_id, job_id from user_changes
        union all
        select connection, user_id, updated_by_job from users
    ) as changes
    inner join import_jobs on changes.job_id = import_jobs.job_id
    where
        changes.connection = $connection
        and changes.user_id in (select user_id from changes_to_undo where reason is not null)
    group by changes.user_id
),

found as (
    select
        changes_to_undo.user_id,
        'CHANGED_SINCE' as code,
        '' as path,
        'user ' || changes_to_undo.user_id || case changes_to_undo.reason
            when 'gone' then ' has been removed since'
            when 'exists again' then ' has been added again'
            else ' has been changed since'
        end || case when last_job <> $undone then ' by job ' || last_job else ' by hand' end as message
    from changes_to_undo
    inner join changed_since on changes_to_undo.user_id = changed_since.user_id
    where reason is not null
    union all
    select
        changes_to_undo.user_id,
        'CONFLICT_EMAIL' as code,
        'email' as path,
        'the e-mail address of user ' || changes_to_undo.user_id || ' is now held by user ' || users.user_id as message
    from changes_to_undo
    inner join users
        on changes_to_undo.email_key = coalesce(users.email_folded, users.email) and users.connection = $connection
    where reason is null
    union all
    select
        changes_to_undo.user_id,
        'CONFLICT_USERNAME' as code,
        'username' as path,
        'the username of user ' || changes_to_undo.user_id || ' is now held by user ' || users.user_id as message
    from changes_to_undo
    inner join users
        on changes_to_undo.username_key = coalesce(users.username_folded, users.username) and users.connection = $connection
    where reason is null
)

select dense_rank() over (order by user_id) as record, *
from found
