-- grain: one row, the job, as a new one but for its number of attempts and its creation
update import_jobs
set
    attempts = attempts + 1,
    flow_run_id = $flow_run_id,
    external_id = $external_id,
    profile = $profile,
    status = $status,
    total = 0,
    inserted = 0,
    updated = 0,
    unchanged = 0,
    failed = 0,
    warnings = 0,
    blank_lines = 0,
    errors_by_code = '{}',
    fault_code = null,
    fault_message = null,
    fault_hint = null,
    started_at = $started_at,
    finished_at = null,
    duration_seconds = null,
    rows_per_second = null,
    lock_seconds = null,
    files = null,
    first_records = null,
    content_hash = null,
    purged_at = null
where job_id = $job_id
