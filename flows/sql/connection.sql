-- grain: one row, the connection
select * from connections where connection = $connection
