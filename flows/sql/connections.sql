-- grain: one row per connection
select * from connections order by connection
