-- The source's own figures, from the models `control` and `control_totals`. Several rows of a
-- customer, for example of several accounts, are added.
create or replace table plan.with_control as
select exists(select 1 from book.modelled where name = 'control') as given,
    exists(select 1 from book.modelled where name = 'control_totals') as totals_given;

create or replace table plan.control as
select
    coalesce(customer_external_id, '') as customer,
    coalesce(currency, '') as currency,
    sum(balance)::bigint as balance,
    bool_or(balance is null) as unread
from book.control
group by all;

create or replace table plan.control_totals as
select coalesce(currency, '') as currency, sum(balance)::bigint as balance,
    bool_or(balance is null) as unread
from book.control_totals
group by all;

create or replace table plan.control_unread as
select
    (select count(*) from book.control
     where customer_external_id is null or currency is null or balance is null)
    + (select count(*) from book.control_totals where currency is null or balance is null) as rows;
