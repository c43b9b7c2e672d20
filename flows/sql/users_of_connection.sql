-- grain: one row, how many users the connection has
select count(*) from users where connection = $connection
