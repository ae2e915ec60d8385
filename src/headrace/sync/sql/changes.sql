-- A withheld record is still in the source: it is neither sent nor deleted.
create or replace table plan.changes as
select * exclude (key), false as shrinks
from plan.differences
anti join book.withheld as withheld using (entity, external_id);
