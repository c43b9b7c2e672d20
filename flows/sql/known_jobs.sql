-- grain: one row per job that exists; parameters: job_ids
select job_id from import_jobs where job_id in (select unnest($job_ids::varchar[]))
