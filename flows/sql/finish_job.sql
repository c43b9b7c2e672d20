-- grain: one row, the job with its end; no row if the end was recorded before, or another attempt has begun since
update import_jobs
set
    profile = $profile,
    status = $status,
    total = $total,
    inserted = $inserted,
    updated = $updated,
    unchanged = $unchanged,
    failed = $failed,
    warnings = $warnings,
    not_users = $not_users,
    blank_lines = $blank_lines,
    errors_by_code = $errors_by_code,
    fault_code = $fault_code,
    fault_message = $fault_message,
    fault_hint = $fault_hint,
    finished_at = $finished_at,
    end_sequence = (select coalesce(max(earlier.end_sequence), 0) + 1 from import_jobs as earlier),
    duration_seconds = $duration_seconds,
    rows_per_second = $rows_per_second,
    lock_seconds = $lock_seconds,
    content_hash = $content_hash,
    files = $files,
    first_records = $first_records
where
    job_id = $job_id
    and started_at = $started_at::timestamptz
    and status in ('pending', 'loading', 'ready', 'importing')
