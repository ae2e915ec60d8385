-- Payments that settle a sibling's invoice, and the head of their family, who pays them instead
-- where `family_payments` says so: the API then sees a parent that pays for its child.
insert into book.rebooked
select distinct payment.external_id, source.root
from book.allocations as allocation
join book.payments as payment on payment.external_id = allocation.from_external_id
join book.invoices as invoice on invoice.external_id = allocation.to_external_id
join book.roots as source on source.external_id = payment.customer_external_id
join book.roots as target on target.external_id = invoice.customer_external_id
where family_rule() = 'parent'
  and allocation.from_entity = 'payment'
  and allocation.to_entity = 'invoice'
  and source.root = target.root
  and payment.customer_external_id <> invoice.customer_external_id;
