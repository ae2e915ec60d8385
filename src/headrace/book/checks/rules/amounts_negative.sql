-- Documents carry positive amounts; only an adjustment has a sign.
-- Over: invoices where gross_amount < 0 or net_amount < 0.
-- Over: credit_notes where gross_amount < 0 or net_amount < 0.
-- Over: payments where amount < 0.
-- Over: refunds where amount < 0.
select
    'error',
    entity,
    external_id,
    'has a negative amount: ' || money(amount, currency),
    case entity
        when 'invoice' then 'make it a credit note in models/credit_notes.sql'
        else 'turn its sign, or model it as the opposite entity'
    end
from book.all_documents
where amount < 0 and entity <> 'adjustment'
union all
select
    'error', 'invoice', external_id,
    'has a negative net amount: ' || money(net_amount, currency),
    'correct net_amount in the source'
from book.invoices
where net_amount < 0 and gross_amount >= 0
union all /* with: credit_notes */
select
    'error', 'credit_note', external_id,
    'has a negative net amount: ' || money(net_amount, currency),
    'correct net_amount in the source'
from book.credit_notes
where net_amount < 0 and gross_amount >= 0;
