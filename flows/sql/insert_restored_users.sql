-- grain: one row per user that existed before the undone job, exactly as it was
insert into users by name
select unnest(user_changes.row_before)
from user_changes
inner join reversals on user_changes.user_id = reversals.user_id
where user_changes.job_id = $undone and reversals.was_there
