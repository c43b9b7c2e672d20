-- grain: one row per user that the job changed: which fields, from what to what (secrets only as changed), and whether the
-- user has been edited by hand after it; also the same as JSON; parameters: job_id, user (null: every user)
with changed_users as (
    select connection, user_id
    from user_changes
    where job_id = $job_id and ($user is null or user_id = $user)
),

steps as (
    select
        user_changes.*,
        lead(job_id) over user_steps as next_job_id,
        lead(row_before) over user_steps as next_row_before
    from user_changes
    semi join changed_users
        on user_changes.connection = changed_users.connection and user_changes.user_id = changed_users.user_id
    window user_steps as (partition by user_changes.connection, user_changes.user_id order by changed_at)
),

outcomes as (
    select
        steps.user_id,
        steps.action,
        steps.row_before,
        steps.digest_after,
        case
            when steps.next_job_id is not null then steps.next_row_before
            when users.user_id is not null then users
        end as row_after
    from steps
    left join users on steps.connection = users.connection and steps.user_id = users.user_id
    where steps.job_id = $job_id
),

changes as (
    select
        user_id,
        action,
        case when row_after is not null then user_digest(row_after) end is distinct from digest_after as is_edited_since,
        user_diff(row_before, row_after) as changes
    from outcomes
)

select user_id, action, is_edited_since, changes, to_json({'user_id': user_id, 'action': action, 'is_edited_since': is_edited_since, 'changes': changes}) as document
from changes
order by user_id
