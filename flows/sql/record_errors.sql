-- grain: one row per error or warning of a record; unsorted, because they are staged by record and every query sorts. The
-- warning about a hash that was left out also says what becomes of the user
-- reads: job_errors, staged, plan, updates; parameter: hash_left_out (the end of that warning)
insert into import_errors by name
with resets as (
    select staged.record, coalesce(updates.has_hash, false) as has_hash
    from staged
    inner join plan on staged.record = plan.record
    left join updates on staged.record = updates.record
    where staged.password_reset_required and plan.outcome <> 'refused'
)

select
    $job_id as job_id,
    errors.source,
    errors.record,
    errors.line,
    errors.key,
    errors.code,
    errors.path,
    case
        when resets.record is null or not ends_with(errors.message, $hash_left_out) then errors.message
        when resets.has_hash then errors.message || '; the user keeps the password stored'
        else errors.message || '; the user is imported without a password and must set a new one'
    end as message,
    errors.severity
from job_errors as errors
left join resets on errors.record = resets.record
