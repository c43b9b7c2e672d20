-- grain: one row per outcome of the staged records
-- reads: plan
select outcome, count(*) as records
from plan
group by outcome
