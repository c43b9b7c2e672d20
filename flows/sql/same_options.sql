-- grain: one row, the number of completed imports with the same options
select count(*) from import_jobs
where
    kind = 'import'
    and status in ('completed', 'completed_with_errors')
    and not dry_run
    and connection = $connection
    and options = $options
