-- rejected_users is made anew, under its name, by the next migrations
alter table rejected_users rename to rejected_users_before
