-- A withheld record is still in the source, so it is neither sent nor deleted. The API can't delete
-- PDFs, so those that left the source are only removed from the journal.
create or replace table plan.changes as
select * exclude (key), false as shrinks
from plan.differences
anti join book.withheld as withheld using (entity, external_id)
where not (entity in ('invoice_pdf', 'credit_note_pdf') and action = 'delete');
