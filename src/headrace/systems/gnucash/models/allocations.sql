-- Who settles whom follows from the lots: a document's lot holds its posting and, beside it, what
-- settled it.

-- Money in an invoice's lot is a payment of it; money out of a credit note's lot pays it out.
select
    if(is_credit_note = 1, 'refund', 'payment') as from_entity,
    transaction_guid as from_external_id,
    if(is_credit_note = 1, 'credit_note', 'invoice') as to_entity,
    document_guid as to_external_id,
    abs(sum(minor_of_fraction(amount_num, amount_denom, currency))) as amount
from receivable
where kind = 'P' and document_guid is not null
  and (amount_num > 0) = (is_credit_note = 1)
group by all

union all

-- A credit note is applied by a transaction of kind L: so much out of the notes' lots, the same out
-- of the invoices' lots. Where there are several on a side, they are matched in order, each taking
-- the part of the whole that lies between its own start and end.
select
    'credit_note', note.document_guid, 'invoice', invoice.document_guid,
    sum(least(note.upto, invoice.upto)
        - greatest(note.upto - note.amount, invoice.upto - invoice.amount))
from (
    select *, abs(minor_of_fraction(amount_num, amount_denom, currency)) as amount,
           sum(amount) over (partition by transaction_guid order by split_guid) as upto
    from receivable where kind = 'L' and is_credit_note = 1
) note
join (
    select *, abs(minor_of_fraction(amount_num, amount_denom, currency)) as amount,
           sum(amount) over (partition by transaction_guid order by split_guid) as upto
    from receivable where kind = 'L' and is_credit_note = 0
) invoice
  on invoice.transaction_guid = note.transaction_guid
 and invoice.upto > note.upto - note.amount
 and note.upto > invoice.upto - invoice.amount
group by all
