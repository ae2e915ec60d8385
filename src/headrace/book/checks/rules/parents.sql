-- A parent must be there, and following parents must end. The customer itself travels, without.
-- Over: flawed_parents.
select
    if(flawed.cause = 'missing', 'error', 'warning'),
    'child',
    flawed.external_id,
    case flawed.cause
        when 'circle' then 'is in a circle of parents, from ' || customer.parent_external_id
        when 'depth' then 'has more than 64 levels of parents above it'
        else 'has the parent ' || customer.parent_external_id || ', which is not in the table customers'
    end,
    'correct parent_external_id in the source; the customer goes without this parent'
from (select external_id, min(cause) as cause from book.flawed_parents group by all) as flawed
join book.customers as customer using (external_id)
where flawed.cause <> 'unread';
