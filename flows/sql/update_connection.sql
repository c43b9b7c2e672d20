-- grain: one row, the rules of a connection
update connections
set
    required = $required,
    username_required = $username_required,
    username_min_length = $username_min_length,
    username_max_length = $username_max_length,
    username_pattern = $username_pattern
where connection = $connection
