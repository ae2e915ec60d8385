-- Voiding an invoice sets its amount to zero and writes "Voided" before its note.
with invoice as (
    select null::varchar as id, null::varchar as _fivetran_deleted, null::varchar as customer_id,
           null::varchar as doc_number, null::varchar as transaction_date,
           null::varchar as due_date, null::varchar as currency_id, null::varchar as total_amount,
           null::varchar as total_tax, null::varchar as private_note,
           null::varchar as custom_p_o_number
    where false
    union all by name select * from invoice
),
customer as (
    select null::varchar as id, null::varchar as currency_id where false
    union all by name select * from customer
)
select
    invoice.id as external_id,
    invoice.customer_id as customer_external_id,
    coalesce(invoice.doc_number, invoice.id) as custom_id,
    invoice.transaction_date as issued_at,
    coalesce(invoice.due_date, invoice.transaction_date) as due_date,
    -- Without multi-currency, documents may name none.
    coalesce(invoice.currency_id, customer.currency_id) as currency,
    minor(invoice.total_amount, currency) as gross_amount,
    minor(invoice.total_amount, currency) - coalesce(minor(invoice.total_tax, currency), 0)
        as net_amount,
    invoice.custom_p_o_number as name
from invoice
left join customer on customer.id = invoice.customer_id
where try_cast(invoice._fivetran_deleted as boolean) is distinct from true
  and not (try_cast(invoice.total_amount as decimal(38, 6)) = 0
    and coalesce(invoice.private_note ilike 'voided%', false))
