-- One round of cutting. It removes operations beyond the limit, operations that wait for one that
-- was removed, and later operations of the same customers. It is repeated until nothing is removed.
create or replace temp table cut_now as
with first_cut as (
    select operation.customer, min(operation.number) as number
    from plan.operations as operation
    left join plan.waits as wait on wait.number = operation.number
    left join plan.operations as awaited on awaited.number = wait.on_number
    where operation.number > (select number from kept_until)
       or (wait.number is not null and awaited.number is null)
    group by operation.customer
)
select operation.number
from plan.operations as operation
join first_cut using (customer)
where operation.number >= first_cut.number;

delete from plan.operations where number in (select number from cut_now);

create or replace table plan.lanes as
select customer, phase, min(number) as first, max(number) as last
from plan.operations
group by customer, phase
order by first;
