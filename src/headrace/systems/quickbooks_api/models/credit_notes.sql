with credit_memos as (
    select null::varchar as Id, null::varchar as CustomerRef, null::varchar as DocNumber,
           null::varchar as TxnDate, null::varchar as CurrencyRef, null::varchar as TotalAmt,
           null::varchar as TxnTaxDetail, null::varchar as PrivateNote
    where false
    union all by name select * from credit_memos
),
credit_memo as (
    select Id as id,
           Id in (select Id from deleted_objects where Type = 'CreditMemo') as gone,
           CustomerRef ->> 'value' as customer_id, DocNumber as doc_number,
           TxnDate as transaction_date, CurrencyRef ->> 'value' as currency_id,
           TotalAmt as total_amount, TxnTaxDetail ->> 'TotalTax' as total_tax,
           PrivateNote as private_note
    from credit_memos
),
customers as (
    select null::varchar as Id, null::varchar as CurrencyRef
    where false
    union all by name select * from customers
),
customer as (
    select Id as id, CurrencyRef ->> 'value' as currency_id
    from customers
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
where not credit_memo.gone
  and not (try_cast(credit_memo.total_amount as decimal(38, 6)) = 0
    and coalesce(credit_memo.private_note ilike 'voided%', false))
