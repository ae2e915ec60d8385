select null::varchar as id, null::varchar as accttype where false
union all by name select * from account
