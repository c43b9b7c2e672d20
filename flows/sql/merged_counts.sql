-- grain: one row, what a merge left in the tables: the changes that are recorded, and the users that are there
select
    (select count(*) from user_changes where job_id = $job_id and action = 'insert') as inserts,
    (select count(*) from user_changes where job_id = $job_id and action = 'update') as updates,
    (select count(*) from users where connection = $connection and created_by_job = $job_id) as created,
    (
        select count(*)
        from users
        where connection = $connection and updated_by_job = $job_id and created_by_job <> $job_id
    ) as changed
