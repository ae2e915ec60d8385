select null::varchar as id, null::varchar as account_type where false
union all by name select * from account
