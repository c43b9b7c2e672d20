-- grain: one row per refused record: its codes, all its errors as a text, and the record with secrets redacted
create view rejected_overview as
with sentences as (
    select
        job_id,
        record,
        any_value(source) as source,
        any_value(key) as key,
        string_agg(code || ' at ' || case path when '' then 'record' else path end || ': ' || message, '; ' order by code, path) as reasons
    from import_errors
    where severity = 'error'
    group by job_id, record
)
select
    rejected_users.job_id,
    sentences.source,
    rejected_users.record,
    rejected_users.line,
    sentences.key,
    rejected_users.codes,
    sentences.reasons,
    rejected_users."user" ->> '$.email' as email,
    rejected_users."user"
from rejected_users
left join sentences on rejected_users.job_id = sentences.job_id and rejected_users.record = sentences.record
