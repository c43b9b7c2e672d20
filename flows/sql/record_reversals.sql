-- grain: one row per user that an undo restores or removes: the row that it replaces (null if there is none), and a digest
-- of the row that it restores (null if it removes the user)
insert into user_changes by name
select
    $job_id as job_id,
    $connection as connection,
    reversals.user_id,
    case when reversals.was_there then 'restore' else 'delete' end as action,
    $now::timestamptz as changed_at,
    case when reversals.is_there then users end as row_before,
    reversals.digest_before as digest_after
from reversals
left join users on reversals.user_id = users.user_id and users.connection = $connection
