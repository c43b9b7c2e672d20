-- grain: one row, the number of users of the connection
select count(*) from users where connection = $connection
