-- grain: one row, the accepted job
insert into import_jobs (
    job_id, kind, external_id, connection, sources, profile, mode, on_error, dry_run, status, created_at, started_at, options,
    flow_run_id
)
values (
    $job_id, $kind, $external_id, $connection, $sources, $profile, $mode, $on_error, $dry_run, $status, $created_at, $started_at, $options,
    $flow_run_id
)
