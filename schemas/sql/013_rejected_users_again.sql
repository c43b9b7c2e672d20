-- grain: one row per refused record of the jobs before
insert into rejected_users by name
from rejected_users_before
