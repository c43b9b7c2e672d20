-- grain: one row per record of the job that is a user now, in order: after the record $after, at most $limit
-- reads: plan, staged
select
    plan.record,
    plan.user_id,
    staged.user_id as given_id,
    staged.email,
    staged.name
from plan
inner join staged on plan.record = staged.record
where plan.outcome <> 'refused' and plan.record > $after
order by plan.record
limit $limit
