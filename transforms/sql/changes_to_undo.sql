-- grain: one row per user that the job to undo changed and that no valid undo has restored yet: what restoring it means,
-- why it is impossible (null: it is possible), the digest it would have, and the keys it would hold and does not hold now
-- reads: all_changes, user_changes, users, import_jobs; parameters: undone, connection
with already_restored as (
    select user_changes.user_id
    from user_changes
    inner join import_jobs on user_changes.job_id = import_jobs.job_id
    where
        import_jobs.kind = 'undo'
        and import_jobs.sources = [$undone]
        and import_jobs.undone_by_job is null
),

changes as (
    select user_id, row_before, digest_after, row_before.user_id is not null as was_there
    from all_changes
    where job_id = $undone and connection = $connection and user_id not in (select user_id from already_restored)
)

select
    changes.user_id,
    users.user_id is not null as is_there,
    changes.was_there,
    case when changes.was_there then user_digest(changes.row_before) end as digest_before,
    case
        when users.user_id is null then case when changes.digest_after is not null then 'gone' end
        when changes.digest_after is null then 'exists again'
        when user_digest(users) <> changes.digest_after then 'changed'
    end as reason,
    nullif(
        coalesce(changes.row_before.email_folded, changes.row_before.email), coalesce(users.email_folded, users.email)
    ) as email_key,
    nullif(
        coalesce(changes.row_before.username_folded, changes.row_before.username),
        coalesce(users.username_folded, users.username)
    ) as username_key
from changes
left join users on changes.user_id = users.user_id and users.connection = $connection
