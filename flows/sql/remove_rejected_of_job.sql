-- grain: one row per refused record of an attempt that another follows
delete from rejected_users where job_id = $job_id
