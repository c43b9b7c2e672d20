-- grain: one row, a job that repeats another
delete from import_jobs where job_id = $job_id
