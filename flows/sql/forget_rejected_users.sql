-- grain: one row per refused record of a forgotten user
-- reads: records_of_user
delete from rejected_users where (job_id, record) in (select (job_id, record) from records_of_user)
