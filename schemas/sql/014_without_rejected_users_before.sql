-- rejected_users holds all of it
drop table rejected_users_before
