-- What may not travel: records with an error, and what depends on them. The rest goes on.
create or replace table book.withheld as
select entity, external_id, first(problem) as reason
from book.problems
where severity = 'error' and entity <> 'contact'
group by entity, external_id;

insert into book.withheld
select
    'customer',
    roots.external_id,
    'its topmost parent ' || roots.root || ' is withheld or not there'
from book.roots as roots
where not exists (from book.customers where external_id = roots.root)
   or exists (from book.withheld where entity = 'customer' and external_id = roots.root);

insert into book.withheld
select entity, external_id, 'its customer ' || customer_external_id || ' is withheld'
from book.all_documents
where customer_external_id in (select external_id from book.withheld where entity = 'customer');

insert into book.withheld
select from_entity, from_external_id, 'its ' || to_entity || ' ' || to_external_id || ' is withheld'
from book.allocations
where to_entity = 'invoice'
  and to_external_id in (select external_id from book.withheld where entity = 'invoice');

insert into book.withheld
select allocation.from_entity, allocation.from_external_id,
    'its ' || allocation.to_entity || ' ' || allocation.to_external_id || ' is withheld'
from book.allocations as allocation
join book.withheld as withheld
    on withheld.entity = allocation.to_entity and withheld.external_id = allocation.to_external_id
where allocation.from_entity = 'refund';

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
select entity, external_id, first(reason) as reason
from book.withheld
where entity in (
    'customer', 'contact', 'invoice', 'credit_note', 'payment', 'refund',
    'invoice_pdf', 'credit_note_pdf'
)
group by entity, external_id;
