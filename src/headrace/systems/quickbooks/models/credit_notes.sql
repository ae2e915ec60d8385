with credit_memo as (
    select null::varchar as id, null::varchar as _fivetran_deleted, null::varchar as customer_id,
           null::varchar as doc_number, null::varchar as transaction_date,
           null::varchar as currency_id, null::varchar as total_amount, null::varchar as total_tax,
           null::varchar as private_note
    where false
    union all by name select * from credit_memo
),
customer as (
    select null::varchar as id, null::varchar as currency_id where false
    union all by name select * from customer
)
select
    credit_memo.id as external_id,
    credit_memo.customer_id as customer_external_id,
    coalesce(credit_memo.doc_number, credit_memo.id) as custom_id,
    credit_memo.transaction_date as issued_at,
    coalesce(credit_memo.currency_id, customer.currency_id) as currency,
    minor(credit_memo.total_amount, currency) as gross_amount,
    minor(credit_memo.total_amount, currency) - coalesce(minor(credit_memo.total_tax, currency), 0)
        as net_amount
from credit_memo
left join customer on customer.id = credit_memo.customer_id
where try_cast(credit_memo._fivetran_deleted as boolean) is distinct from true
  and not (try_cast(credit_memo.total_amount as decimal(38, 6)) = 0
    and coalesce(credit_memo.private_note ilike 'voided%', false))
