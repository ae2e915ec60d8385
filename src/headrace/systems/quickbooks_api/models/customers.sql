-- Each table is read through the list of fields that are needed, as text: one that no object has is
-- NULL, and types do not matter. Nested values are JSON.
-- Merging customers makes one of them inactive and moves its documents to the other. So an inactive
-- customer is left out unless it has a document.
with customers as (
    select null::varchar as Id, null::varchar as Active, null::varchar as DisplayName,
           null::varchar as CompanyName, null::varchar as ParentRef, null::varchar as BillAddr
    where false
    union all by name select * from customers
),
customer as (
    select Id as id,
           Id in (select Id from deleted_objects where Type = 'Customer') as gone,
           Active as active, DisplayName as display_name, CompanyName as company_name,
           ParentRef ->> 'value' as parent_customer_id, BillAddr as bill_address
    from customers
),
invoices as (
    select null::varchar as Id, null::varchar as CustomerRef
    where false
    union all by name select * from invoices
),
invoice as (
    select CustomerRef ->> 'value' as customer_id
    from invoices
),
payments as (
    select null::varchar as Id, null::varchar as CustomerRef, null::varchar as Line
    where false
    union all by name select * from payments
),
payment as (
    select CustomerRef ->> 'value' as customer_id
    from payments
),
document as (
    select customer_id as customer from invoice union all select customer_id from payment
)
select
    customer.id as external_id,
    coalesce(nullif(trim(customer.company_name), ''), customer.display_name, customer.id) as name,
    nullif(concat_ws(', ', bill_address ->> 'Line1', bill_address ->> 'Line2'), '') as address,
    bill_address ->> 'PostalCode' as zipcode,
    bill_address ->> 'City' as city,
    bill_address ->> 'CountrySubDivisionCode' as state,
    coalesce(country(bill_address ->> 'Country'), bill_address ->> 'Country') as country,
    -- Jobs and sub-customers are customers of their own, in the family of their parent.
    customer.parent_customer_id as parent_external_id
from customer
where not customer.gone
  and (try_cast(customer.active as boolean) is distinct from false
    or customer.id in (select customer from document)
    or customer.id in (select parent_customer_id from customer))
