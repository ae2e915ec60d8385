-- To GnuCash a credit note is an invoice with a mark in a slot, posted with the opposite sign.
with tax as (
    select entry.guid as transaction_guid,
           sum(minor_of_fraction(split.value_num, split.value_denom, currency.mnemonic)) as amount
    from transactions entry
    join commodities currency on currency.guid = entry.currency_guid
    join splits split on split.tx_guid = entry.guid
    where split.account_guid in (select account from taxtable_entries)
    group by entry.guid
),
posted as (
    select transaction_guid, document_guid, customer_guid, currency, posted_on,
           -sum(minor_of_fraction(amount_num, amount_denom, currency)) as amount
    from receivable
    where kind = 'I' and is_credit_note = 1
    group by all
)
select
    note.guid as external_id,
    posted.customer_guid as customer_external_id,
    note.id as custom_id,
    posted.posted_on as issued_at,
    posted.currency,
    posted.amount as gross_amount,
    posted.amount - coalesce(tax.amount, 0) as net_amount,
    nullif(note.notes, '') as name
from invoices note
join posted
  on posted.transaction_guid = note.post_txn and posted.document_guid = note.guid
join customers on customers.guid = posted.customer_guid
left join tax on tax.transaction_guid = note.post_txn
