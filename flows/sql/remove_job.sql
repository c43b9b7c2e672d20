-- grain: one row, a job that repeats another, or did not begin
delete from import_jobs where job_id = $job_id and attempts = 1 and started_at = $started_at::timestamptz
