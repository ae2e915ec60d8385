select null::varchar as id, null::varchar as symbol where false
union all by name select * from currency
