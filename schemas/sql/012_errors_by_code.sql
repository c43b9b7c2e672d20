-- grain: one row per job, severity, code and path: how often it occurred, and the first record with it
create view errors_by_code as
select
    job_id,
    severity,
    code,
    regexp_replace(path, '\[[0-9]+\]', '[]', 'g') as path,
    count(*) as errors,
    count(distinct record) as records,
    min(record) as first_record,
    arg_min_null(line, record) as first_line,
    arg_min_null(source, record) as first_source,
    arg_min_null(key, record) as first_key,
    arg_min(message, record) as example
from import_errors
group by job_id, severity, code, regexp_replace(path, '\[[0-9]+\]', '[]', 'g')
