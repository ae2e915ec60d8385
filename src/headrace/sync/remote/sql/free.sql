-- Records of the book that the API may have without an external id, because they are neither
-- acknowledged nor among its external ids. The number of a customer is its name.
create or replace table plan.free as
with documents as (
    from book.numbered
    union all
    select 'customer', external_id, external_id, name, null, null
    from book.customers
)
select entity, external_id, customer, number, currency, amount::bigint as amount
from documents
semi join book.fingerprints as fingerprints using (entity, external_id)
anti join book.withheld as withheld using (entity, external_id)
anti join staging.acknowledged as acknowledged using (entity, external_id)
anti join plan.seen as seen using (entity, external_id);
