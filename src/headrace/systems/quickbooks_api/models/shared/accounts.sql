select null::varchar as Id, null::varchar as AccountType
where false
union all by name select * from accounts
