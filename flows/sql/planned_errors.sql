-- grain: one row per error or warning that the plan found and that is stored
-- reads: refusals, differences, staged
select
    found.record,
    staged.line,
    coalesce(staged.email, staged.user_id, staged.username) as key,
    found.code,
    found.path,
    found.message,
    found.severity
from (from refusals union all by name from differences where message is not null) as found
inner join staged on found.record = staged.record
order by found.record, found.code, found.path
