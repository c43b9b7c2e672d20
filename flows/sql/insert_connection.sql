-- grain: one row, a new connection
insert into connections (connection, required, username_required, username_min_length, username_max_length, username_pattern)
values ($connection, $required, $username_required, $username_min_length, $username_max_length, $username_pattern)
