-- Which records may not travel: those with an error of their own, and what can't be there without
-- them. Links and parents in error withhold no record: see `flawed_links.sql` and `families.sql`.
create or replace table book.withheld as
select entity, external_id, first(problem order by problem) as reason
from book.problems
where severity = 'error' and entity in (
    'customer', 'invoice', 'credit_note', 'payment', 'refund', 'adjustment', 'settlement',
    'invoice_pdf', 'credit_note_pdf'
)
group by entity, external_id;

insert into book.withheld
select entity, external_id, 'its customer ' || customer_external_id || ' is withheld'
from book.all_documents
where customer_external_id in (select external_id from book.withheld where entity = 'customer');

-- An adjustment is withheld as what it would have become.
insert into book.withheld
select
    case when adjustment.amount < 0 then 'payment' else 'refund' end,
    external_id,
    withheld.reason
from book.withheld as withheld
join book.adjustments as adjustment using (external_id)
where withheld.entity = 'adjustment';

insert into book.withheld
select 'payment', fix.external_id, 'its invoice ' || fix.invoice_external_id || ' is withheld'
from book.fixes as fix
join book.withheld as withheld
    on withheld.entity = 'invoice' and withheld.external_id = fix.invoice_external_id;

-- A settlement without cash is withheld as the payment that it would have become.
insert into book.withheld
select 'payment', 'settlement:' || external_id, reason
from book.withheld
where entity = 'settlement'
union all
select 'payment', settled.external_id, 'its invoice ' || invoice_external_id || ' is withheld'
from book.settled as settled
join book.withheld as withheld
    on withheld.entity = 'invoice' and withheld.external_id = settled.invoice_external_id;

insert into book.withheld
select pdf.entity || '_pdf', pdf.external_id, 'its ' || pdf.entity || ' is withheld'
from book.documents as pdf
join book.withheld as withheld using (entity, external_id);

insert into book.withheld
select 'contact', contact.id, 'its customer ' || contact.customer_external_id || ' is withheld'
from book.own_contacts as contact
join book.withheld as withheld
    on withheld.entity = 'customer' and withheld.external_id = contact.customer_external_id;

create or replace table book.withheld as
select entity, external_id, first(reason order by reason) as reason
from book.withheld
where entity in (
    'customer', 'contact', 'invoice', 'credit_note', 'payment', 'refund',
    'invoice_pdf', 'credit_note_pdf'
)
-- Rows without an id have a problem of their own, and are never sent.
and external_id is not null
group by entity, external_id;
