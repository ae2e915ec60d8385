select null::varchar as Id, null::varchar as Type
where false
union all by name select * from deleted_objects
