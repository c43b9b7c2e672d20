-- grain: one row per error or warning about a record of the job, the first $limit, with the file that it is in
select
    import_jobs.files[
        len(list_filter(import_jobs.first_records, lambda first: first <= import_errors.record))
    ] as source,
    import_errors.record,
    import_errors.line,
    import_errors.code,
    import_errors.path,
    import_errors.message,
    import_errors.severity
from import_errors
inner join import_jobs on import_errors.job_id = import_jobs.job_id
where import_errors.job_id = $job_id
order by import_errors.record, import_errors.severity, import_errors.code, import_errors.path
limit $limit
