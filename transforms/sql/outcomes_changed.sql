-- grain: one row per staged record whose outcome, user, changes or codes are not those that the dry run shows; whom a
-- refused row matches does not matter. These are errors
-- reads: shown_rows (the compared_rows of the dry run), compared_rows, staged
select
    record,
    now.line,
    coalesce(staged.email, staged.user_id, staged.username) as key,
    'OUTCOME_CHANGED' as code,
    '' as path,
    case
        when shown.outcome is distinct from now.outcome or shown.codes is distinct from now.codes
            then 'the dry run shows ' || concat_ws(': ', shown.outcome, nullif(array_to_string(shown.codes, ', '), ''))
            || '; now it is ' || concat_ws(': ', now.outcome, nullif(array_to_string(now.codes, ', '), ''))
        when shown.user_id is distinct from now.user_id or shown.matched_by is distinct from now.matched_by
            then now.outcome || ', but the row matches another user, or by another key, than the dry run shows'
        else now.outcome || ', but of other fields or values than the dry run shows'
    end as message,
    'error' as severity
from compared_rows as now
full join shown_rows as shown using (record)
left join staged using (record)
where
    shown.outcome is distinct from now.outcome
    or shown.codes is distinct from now.codes
    or (
        now.outcome <> 'refused'
        and (shown.user_id, shown.matched_by, shown.changes, shown.replaced)
        is distinct from (now.user_id, now.matched_by, now.changes, now.replaced)
    )
order by record
