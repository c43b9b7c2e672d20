-- grain: one row per staged record: its outcome, and the existing user it matches
-- reads: staged, targets, refusals, updates
select
    staged.record,
    staged.line,
    case
        when refused.record is not null then 'refused'
        when updates.record is null then 'insert'
        when updates.is_changed then 'update'
        else 'unchanged'
    end as outcome,
    case when targets.matches_one_user then targets.user_id end as user_id,
    targets.matched_by
from staged
left join (select distinct record from refusals) as refused on staged.record = refused.record
left join targets on staged.record = targets.record
left join updates on staged.record = updates.record
