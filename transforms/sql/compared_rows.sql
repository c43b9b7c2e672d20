-- grain: one row per planned record, with a hash of the secrets that its update replaces, which the plan does not show
-- reads: planned_rows, updates
select
    planned_rows.*,
    hash(
        case when before.password_hash is distinct from updates.password_hash then before.password_hash end,
        case when before.custom_password_hash is distinct from updates.custom_password_hash then before.custom_password_hash end,
        case when before.mfa_factors is distinct from updates.mfa_factors then before.mfa_factors end
    ) as replaced
from planned_rows
left join updates on planned_rows.record = updates.record and updates.is_changed
