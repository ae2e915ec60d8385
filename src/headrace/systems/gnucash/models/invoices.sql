-- Posted invoices to customers. What is not posted yet is a draft; what a vendor sent us has an
-- owner that is no customer. The amount is what posting put on the receivable account, so that
-- taxes and discounts are counted as GnuCash counted them.
with tax as (
    select entry.guid as transaction_guid,
           -sum(minor_of_fraction(split.value_num, split.value_denom, currency.mnemonic)) as amount
    from transactions entry
    join commodities currency on currency.guid = entry.currency_guid
    join splits split on split.tx_guid = entry.guid
    where split.account_guid in (select account from taxtable_entries)
    group by entry.guid
),
posted as (
    select transaction_guid, document_guid, customer_guid, currency, posted_on,
           sum(minor_of_fraction(amount_num, amount_denom, currency)) as amount
    from receivable
    where kind = 'I' and is_credit_note = 0
    group by all
)
select
    invoice.guid as external_id,
    posted.customer_guid as customer_external_id,
    invoice.id as custom_id,
    posted.posted_on as issued_at,
    coalesce(left(due.timespec_val::varchar, 10), posted.posted_on) as due_date,
    posted.currency,
    posted.amount as gross_amount,
    posted.amount - coalesce(tax.amount, 0) as net_amount,
    nullif(invoice.notes, '') as name
from invoices invoice
join posted
  on posted.transaction_guid = invoice.post_txn and posted.document_guid = invoice.guid
join customers on customers.guid = posted.customer_guid
left join tax on tax.transaction_guid = invoice.post_txn
left join slots due on due.obj_guid = invoice.post_txn and due.name = 'trans-date-due'
