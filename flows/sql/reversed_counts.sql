-- grain: one row, what an undo left in the tables: users reversed, and those of them that are restored
select
    count(*) as reversed,
    (
        select count(*)
        from users
        where
            connection = $connection
            and user_id in (select user_id from user_changes where job_id = $job_id and action = 'restore')
    ) as restored
from user_changes
where job_id = $job_id
