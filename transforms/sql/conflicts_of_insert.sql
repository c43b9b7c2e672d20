-- grain: one row per staged record and key that an existing user holds; these are the errors of insert mode
-- reads: matches
select
    record,
    case key when 'email' then 'CONFLICT_EMAIL' when 'username' then 'CONFLICT_USERNAME' else 'CONFLICT' end as code,
    key as path,
    'is held by the existing user ' || user_id as message,
    'error' as severity
from matches
