-- grain: one row, the accepted job
insert into import_jobs (
    job_id, kind, external_id, connection, sources, profile, mode, on_error, dry_run, status, created_at, started_at, options,
    other_options, flow_run_id, sequence
)
values (
    $job_id, $kind, $external_id, $connection, $sources, $profile, $mode, $on_error, $dry_run, $status, $created_at, $started_at, $options,
    $other_options, $flow_run_id, (select coalesce(max(sequence), 0) + 1 from import_jobs)
)
