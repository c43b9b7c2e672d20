-- grain: one row per job of the ids
select job_id from import_jobs where list_contains($job_ids, job_id)
