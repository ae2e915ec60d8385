-- A parent must be there, and following parents must end.
select
    'error',
    'customer',
    customer.external_id,
    case
        when roots.endless
            then 'has parents that form a cycle (or more than 64 levels) from '
                || customer.parent_external_id
        else 'has the parent ' || customer.parent_external_id || ', which is not in the table customers'
    end,
    'correct parent_external_id in the source'
from book.customers as customer
join book.roots as roots using (external_id)
left join book.customers as parent on parent.external_id = customer.parent_external_id
where roots.endless or parent.external_id is null;
