-- grain: one row, a job that turned out to repeat another
delete from import_jobs where job_id = $job_id
