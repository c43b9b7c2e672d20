-- grain: one row per job whose data was purged
update import_jobs set purged_at = now() where list_contains($jobs::varchar[], job_id) and purged_at is null
