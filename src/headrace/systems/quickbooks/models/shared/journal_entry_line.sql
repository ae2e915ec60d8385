select null::varchar as journal_entry_id, null::varchar as account_id,
       null::varchar as customer_id, null::varchar as posting_type, null::varchar as amount
where false
union all by name select * from journal_entry_line
