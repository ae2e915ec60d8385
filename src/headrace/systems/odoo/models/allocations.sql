-- Odoo matches a debit item with a credit item on the receivable account: an invoice or an outgoing
-- payment with a credit note or an incoming one.
with item as (
    select line.id,
           case when payment.id is not null
                then if(payment.payment_type = 'inbound', 'payment', 'refund')
                when move.move_type = 'out_invoice' then 'invoice'
                when move.move_type = 'out_refund' then 'credit_note'
           end as entity,
           coalesce(payment.id, move.id) as external_id,
           currency.name as currency
    from account_move_line line
    join account_move move on move.id = line.move_id
    join account_account account on account.id = line.account_id
    join res_currency currency on currency.id = line.currency_id
    left join account_payment payment on payment.move_id = move.id
    where account.account_type = 'asset_receivable' and line.parent_state = 'posted'
)
select
    if(debit.entity = 'refund', 'refund', credit.entity) as from_entity,
    if(debit.entity = 'refund', debit.external_id, credit.external_id) as from_external_id,
    if(debit.entity = 'refund', credit.entity, debit.entity) as to_entity,
    if(debit.entity = 'refund', credit.external_id, debit.external_id) as to_external_id,
    sum(minor(match.debit_amount_currency, debit.currency)) as amount
from account_partial_reconcile match
join item debit on debit.id = match.debit_move_id
join item credit on credit.id = match.credit_move_id
where debit.entity in ('invoice', 'refund') and credit.entity in ('credit_note', 'payment')
group by 1, 2, 3, 4
