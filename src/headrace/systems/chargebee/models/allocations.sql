-- Most links are named on both sides, some only on one: each pair counts once.
with invoices as (
    select null::varchar as id, null::varchar as status, null::varchar as currency_code,
           null::varchar as linked_payments, null::varchar as applied_credits,
           null::varchar as adjustment_credit_notes
    where false
    union all by name select * from invoices
),
credit_notes as (
    select null::varchar as id, null::varchar as status, null::varchar as reason_code,
           null::varchar as currency_code, null::varchar as allocations,
           null::varchar as linked_refunds
    where false
    union all by name select * from credit_notes
),
transactions as (
    select null::varchar as id, null::varchar as type, null::varchar as status,
           null::varchar as currency_code, null::varchar as amount,
           null::varchar as reversal_transaction_id, null::varchar as reversal_txn_id,
           null::varchar as reference_transaction_id, null::varchar as refunded_txn_id,
           null::varchar as linked_credit_notes
    where false
    union all by name select * from transactions
),
money as (
    select *, coalesce(
        reversal_transaction_id, reversal_txn_id,
        (select min(reversal.id) from transactions reversal
         where reversal.type = 'payment_reversal'
           and reversal.reference_transaction_id = transactions.id)) as reversal
    from transactions
    where status = 'success'
),
sold as (
    select * from invoices where status not in ('pending', 'voided')
),
note as (
    select * from credit_notes
    where status is distinct from 'voided' and reason_code is distinct from 'write_off'
),
paid as (
    select id, currency_code, unnest(from_json(linked_payments, '["JSON"]')) as item from sold
),
applied as (
    select id, currency_code, unnest(from_json(applied_credits, '["JSON"]')) as item from sold
),
adjusted as (
    select id, currency_code, unnest(from_json(adjustment_credit_notes, '["JSON"]')) as item
    from sold
),
allocated as (
    select id, currency_code, unnest(from_json(allocations, '["JSON"]')) as item from note
),
given_back as (
    select id, currency_code, unnest(from_json(linked_refunds, '["JSON"]')) as item from note
),
paying_out as (
    select id, currency_code, unnest(from_json(linked_credit_notes, '["JSON"]')) as item
    from money
    where type = 'refund'
),
link as (
    select 'payment' as from_entity, item ->> 'txn_id' as from_id, 'invoice' as to_entity,
           id as to_id, currency_code, item ->> 'applied_amount' as amount
    from paid
    where (item ->> 'txn_id') in (select id from money where type = 'payment' and reversal is null)

    union all
    select 'credit_note', item ->> 'cn_id', 'invoice', id, currency_code, item ->> 'applied_amount'
    from applied
    where (item ->> 'cn_id') in (select id from note)

    union all
    select 'credit_note', item ->> 'cn_id', 'invoice', id, currency_code, item ->> 'cn_total'
    from adjusted
    where (item ->> 'cn_id') in (select id from note)

    union all
    select 'credit_note', id, 'invoice', item ->> 'invoice_id', currency_code,
           item ->> 'allocated_amount'
    from allocated
    where (item ->> 'invoice_id') in (select id from sold)

    union all
    select 'refund', item ->> 'txn_id', 'credit_note', id, currency_code, item ->> 'applied_amount'
    from given_back
    where (item ->> 'txn_id') in (select id from money where type = 'refund')

    union all
    select 'refund', id, 'credit_note', item ->> 'cn_id', currency_code, item ->> 'applied_amount'
    from paying_out
    where (item ->> 'cn_id') in (select id from note)

    union all
    -- A payment that the bank took back, and money that was never used.
    select 'refund', reversal, 'payment', id, currency_code, amount
    from money
    where type = 'payment' and reversal in (select id from money)

    union all
    select 'refund', id, 'payment', refunded_txn_id, currency_code, amount
    from money
    where type = 'refund' and refunded_txn_id is not null
      and id not in (select id from paying_out)
      and id not in (select item ->> 'txn_id' from given_back)
)
select from_entity, from_id as from_external_id, to_entity, to_id as to_external_id,
       max(minor_units(amount, currency_code, 'iso')) as amount
from link
group by from_entity, from_id, to_entity, to_id
having max(minor_units(amount, currency_code, 'iso')) is distinct from 0
