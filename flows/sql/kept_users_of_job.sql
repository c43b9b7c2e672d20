-- grain: one row per user that an undo kept, and reason
select rejected_users."user" ->> '$.user_id' as user_id, import_errors.code, import_errors.message
from import_errors
inner join rejected_users on import_errors.job_id = rejected_users.job_id and import_errors.record = rejected_users.record
where import_errors.job_id = $job_id
order by user_id, import_errors.code
