-- grain: one row per severity, code and path of the job, most frequent first; the file only if there are several
select
    errors_by_code.severity,
    errors_by_code.code,
    errors_by_code.path,
    errors_by_code.errors,
    errors_by_code.first_record,
    errors_by_code.first_line,
    errors_by_code.example,
    case
        when len(import_jobs.files) > 1
            then import_jobs.files[
                len(list_filter(import_jobs.first_records, lambda first: first <= errors_by_code.first_record))
            ]
    end as file
from errors_by_code
inner join import_jobs on errors_by_code.job_id = import_jobs.job_id
where errors_by_code.job_id = $job_id
order by errors_by_code.severity, errors_by_code.errors desc, errors_by_code.code, errors_by_code.path
