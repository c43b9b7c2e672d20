-- grain: one row, how many completed imports had the same options, which hold the size of the sources
select count(*) from import_jobs
where
    kind = 'import'
    and status in ('completed', 'completed_with_errors')
    and not dry_run
    and connection = $connection
    and options = $options
