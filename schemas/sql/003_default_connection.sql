-- grain: one row, the connection that exists from the start
insert into connections (connection) values ('default')
