-- grain: one row per error or warning of the jobs whose row had a key
update import_errors set key = null where key is not null and list_contains($jobs::varchar[], job_id)
