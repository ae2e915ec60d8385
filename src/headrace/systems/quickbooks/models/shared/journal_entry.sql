select null::varchar as id, null::varchar as _fivetran_deleted, null::varchar as currency_id,
       null::varchar as transaction_date, null::varchar as doc_number
where false
union all by name select * from journal_entry
