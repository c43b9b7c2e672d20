-- grain: one row, the job
select * from import_jobs where job_id = $job_id
