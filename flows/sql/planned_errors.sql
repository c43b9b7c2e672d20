-- grain: one row per error that the plan found, and per warning up to the first 1,000 of each field
-- reads: refusals, differences, staged
with first_differences as (
    select *
    from differences
    qualify row_number() over (partition by path order by record) <= 1000
)

select found.record, staged.line, found.code, found.path, found.message, found.severity
from (from refusals union all by name from first_differences) as found
inner join staged on found.record = staged.record
order by found.record, found.code, found.path
