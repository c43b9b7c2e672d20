-- grain: one row per job that exists; parameters: job_ids
select job_id from import_jobs where list_contains($job_ids, job_id)
