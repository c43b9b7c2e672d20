-- grain: one row, what a merge left in the tables
select
    (select count(*) from user_changes where job_id = $job_id and action = 'insert') as inserted,
    (select count(*) from user_changes where job_id = $job_id and action = 'update') as updated,
    (select count(*) from users where connection = $connection and updated_by_job = $job_id) as written,
    (select count(*) from rejected_users where job_id = $job_id) as refused
