-- grain: one row, a new connection
insert into connections (connection, username_required, username_min_length, username_max_length, username_pattern)
values ($connection, $username_required, $username_min_length, $username_max_length, $username_pattern)
