-- grain: one row per staged record: its outcome, and the existing user it matches, or the user_id that an insert gives
-- reads: staged, targets, refusals, updates, the macros of temporary_macros.sql; parameter: plan_id (the job that made the plan)
select
    staged.record,
    staged.line,
    case
        when refused.record is not null then 'refused'
        when updates.record is null then 'insert'
        when updates.is_changed then 'update'
        else 'unchanged'
    end as outcome,
    case
        when targets.matches_one_user then targets.user_id
        when refused.record is null and updates.record is null then new_user_id(staged.user_id, $plan_id, staged.record)
    end as user_id,
    targets.matched_by
from staged
left join (select distinct record from refusals) as refused on staged.record = refused.record
left join targets on staged.record = targets.record
left join updates on staged.record = updates.record
