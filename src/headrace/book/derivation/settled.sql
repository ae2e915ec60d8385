-- What settles an invoice without cash rides as a payment that is linked to it; its reference
-- starts with the kind, so that it can be told from money.
create or replace table book.settled as
select
    'settlement:' || settlement.external_id as external_id,
    invoice.customer_external_id,
    invoice.currency,
    settlement.amount,
    settlement.booked_at as validated_at,
    settlement.kind || ':' || coalesce(settlement.ref_number, invoice.custom_id) as ref_number,
    settlement.invoice_external_id
from book.settlements as settlement
left join book.invoices as invoice on invoice.external_id = settlement.invoice_external_id
where settlement.external_id is not null;
