-- grain: one row, what an undo left in the tables: users reversed, those of them that are restored, and the users kept
-- with their errors
select
    count(*) as reversed,
    (
        select count(*)
        from users
        where
            connection = $connection
            and user_id in (select user_id from user_changes where job_id = $job_id and action = 'restore')
    ) as restored,
    (select count(*) from import_errors where job_id = $job_id) as errors,
    (select count(*) from rejected_users where job_id = $job_id) as kept
from user_changes
where job_id = $job_id
