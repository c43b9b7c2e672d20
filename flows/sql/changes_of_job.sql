-- grain: one row per user that the job changed: which fields, from what to what (secrets only as changed), and whether the
-- user was edited by hand afterwards; also the same as JSON; parameters: job_id, user (null: every user)
-- the last condition repeats the first two, but limits what the view's window has to sort
select
    user_id,
    action,
    is_edited_since,
    changes,
    shown_numbers(to_json({
        'user_id': user_id,
        'action': action,
        'is_edited_since': is_edited_since,
        'changes': hidden_in_changes(changes)
    })::varchar) as document
from user_history
where
    job_id = $job_id
    and ($user is null or user_id = $user)
    and user_id in (select user_id from all_changes where job_id = $job_id and ($user is null or user_id = $user))
order by user_id
