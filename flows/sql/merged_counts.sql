-- grain: one row, what a merge left in the tables: the recorded changes, the users written, a checksum of their keys and
-- digests, the errors, warnings and refused records, and how many warnings were staged
-- reads: user_changes, users, import_errors, rejected_users, job_errors; parameters: job_id, connection
with changes as (
    select count(*) as updates
    from user_changes
    where job_id = $job_id
),

written as (
    select
        count(*) filter (where created_by_job = $job_id) as created,
        count(*) filter (where created_by_job <> $job_id) as changed,
        coalesce(sum(hash(user_id, coalesce(email_folded, email), coalesce(username_folded, username), digest)), 0) as key_sum
    from users
    where connection = $connection and updated_by_job = $job_id
),

recorded as (
    select
        count(*) filter (where severity = 'error') as errors,
        count(*) filter (where severity = 'warning') as warnings
    from import_errors
    where job_id = $job_id
)

select
    changes.updates,
    written.created,
    written.changed,
    written.key_sum,
    recorded.errors,
    recorded.warnings,
    (select count(*) from job_errors where severity = 'warning') as staged_warnings,
    (select count(*) from rejected_users where job_id = $job_id) as refused
from changes
cross join written
cross join recorded
