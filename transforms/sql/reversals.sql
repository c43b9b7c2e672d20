-- grain: one row per user that an undo restores
-- reads: changes_to_undo, kept_users
select user_id, is_there, was_there, digest_before
from changes_to_undo
anti join kept_users on changes_to_undo.user_id = kept_users.user_id
