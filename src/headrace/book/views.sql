-- The tables of the book as the rules, the fingerprints and the plan look at them.

-- Who settles whom at the API once everything that travels has arrived, the synthetic payments
-- included; a pair may stand in several rows. What is withheld settles nothing: of allocations
-- that is a flaw, and a synthetic payment is withheld as a whole.
create or replace view book.links as
select from_entity, from_external_id, to_entity, to_external_id, amount
from book.allocations as allocation
anti join book.flawed_links as flawed on flawed.row = allocation.rowid
anti join book.waiting_links as waiting
    using (from_entity, from_external_id, to_entity, to_external_id)
union all /* with: fixes, settlements */
select 'payment', external_id, 'invoice', invoice_external_id, amount
from (from book.fixes union all by name from book.settled) as synthetic
anti join (
    select from_external_id as external_id from book.waiting_links where from_entity = 'payment'
    union all
    select external_id from book.withheld where entity = 'payment'
) as staying using (external_id)
union all
from book.pinned_links;

-- Who settles whom by the source's own rows, those in error included as far as both ends are there.
create or replace view book.stated_links as
select from_entity, from_external_id, to_entity, to_external_id, amount
from book.allocations as allocation
anti join (
    select row from book.flawed_links where flaw in (
        'incomplete', 'shape', 'lost', 'no source', 'no target', 'amount'
    )
) as flawed on flawed.row = allocation.rowid
union all /* with: fixes */
select 'payment', external_id, 'invoice', invoice_external_id, amount
from book.fixes
union all /* with: settlements */
select 'payment', external_id, 'invoice', invoice_external_id, amount
from book.settled
where currency is not null;

-- Adjustments, fixes and settlements travel as payments and refunds (docs/api-evidence.md,
-- Data model); `origin` keeps the table that they came from.
create or replace view book.all_payments as
select
    payment.* replace (coalesce(rebooked.root, customer_external_id) as customer_external_id),
    'payment' as origin
from book.payments as payment
left join book.rebooked as rebooked using (external_id)
union all by name /* with: adjustments */
select
    external_id, customer_external_id, currency, -amount as amount, booked_at as validated_at,
    ref_number, 'adjustment' as origin
from book.adjustments
where amount < 0
union all by name /* with: fixes */
select * exclude (invoice_external_id), 'fix' as origin from book.fixes
union all by name /* with: settlements */
select * exclude (invoice_external_id), 'settlement' as origin from book.settled;

create or replace view book.all_refunds as
select *, 'refund' as origin
from book.refunds
union all by name /* with: adjustments */
select
    external_id, customer_external_id, currency, amount, booked_at as validated_at, ref_number,
    'adjustment' as origin
from book.adjustments
where amount > 0;

-- Everything of the source that has a customer and a currency, for rules that hold for all of it.
create or replace view book.all_documents as
select 'invoice' as entity, external_id, customer_external_id, currency, gross_amount as amount
from book.invoices
union all /* with: credit_notes */
select 'credit_note', external_id, customer_external_id, currency, gross_amount
from book.credit_notes
union all /* with: payments */
select 'payment', external_id, customer_external_id, currency, amount
from book.payments
union all /* with: refunds */
select 'refund', external_id, customer_external_id, currency, amount
from book.refunds
union all /* with: adjustments */
select 'adjustment', external_id, customer_external_id, currency, abs(amount)
from book.adjustments;

-- Contacts in their customer's full list, or as records of their own, named by both ids since one
-- person may be a contact of several customers.
create or replace view book.travelling_contacts as
from book.contacts as contact
anti join book.flawed_contacts as flawed on flawed.row = contact.rowid
where customer_external_id is not null and contact_rule() = 'with_customer';

create or replace view book.own_contacts as
select
    -- As `contact_keys.py` reads it: without the encoding, contact B/K of customer A and contact K
    -- of customer A/B would be one.
    replace(replace(customer_external_id, '%', '%25'), '/', '%2F') || '/' || external_id as id,
    contact.*
from book.contacts as contact
anti join book.flawed_contacts as flawed on flawed.row = contact.rowid
semi join book.customers as customer on customer.external_id = contact.customer_external_id
where contact_rule() = 'separately';

-- Every record that travels, with its customer, its money, its date and the table it came from.
create or replace view book.placed as
select
    'customer' as entity, external_id, external_id as customer,
    null::varchar as currency, null::bigint as amount, null::timestamp as moment,
    'customer' as origin
from book.customers
union all
select
    'invoice', external_id, customer_external_id, currency, gross_amount, issued_at, 'invoice'
from book.invoices
union all /* with: credit_notes */
select
    'credit_note', external_id, customer_external_id, currency, gross_amount, issued_at,
    'credit_note'
from book.credit_notes
union all
select 'payment', external_id, customer_external_id, currency, amount, validated_at, origin
from book.all_payments
union all /* with: refunds, adjustments */
select 'refund', external_id, customer_external_id, currency, amount, validated_at, origin
from book.all_refunds;

-- By which people know a document: its number or reference, with whose it is and its money.
create or replace view book.numbered as
select
    'invoice' as entity, external_id, customer_external_id as customer, custom_id as number,
    currency, gross_amount as amount
from book.invoices
union all /* with: credit_notes */
select 'credit_note', external_id, customer_external_id, custom_id, currency, gross_amount
from book.credit_notes
union all
select 'payment', external_id, customer_external_id, ref_number, currency, amount
from book.all_payments
union all /* with: refunds, adjustments */
select 'refund', external_id, customer_external_id, ref_number, currency, amount
from book.all_refunds;

-- Whatever a person may ask about by entity and id, with whose it is; of the source's own rows.
create or replace view book.known as
from book.numbered
union all /* with: adjustments */
select 'adjustment', external_id, customer_external_id, ref_number, currency, amount
from book.adjustments
union all
select 'customer', external_id, external_id, null, null, null
from book.customers;

-- How many records of each entity there are; rows without an id are none.
create or replace view book.sizes as
select 'customer' as entity, count(external_id) as rows from book.customers
union all
select 'invoice', count(external_id) from book.invoices
union all /* with: credit_notes */
select 'credit_note', count(external_id) from book.credit_notes
union all
select 'payment', count(external_id) from book.all_payments
union all /* with: refunds, adjustments */
select 'refund', count(external_id) from book.all_refunds;

-- The custom fields of customers one by one; the casts have made an object of them.
create or replace view book.custom_values as
with given as (
    select
        external_id,
        custom_fields::json as fields
    from book.customers
    where custom_fields is not null
),
named as (
    select external_id, fields, unnest(json_keys(fields)) as name from given
)
select
    external_id,
    name,
    json_extract(fields, '/' || replace(replace(name, '~', '~0'), '/', '~1')) as value
from named;

-- Customers and contacts with what they refer to by the API's names: the root of their family, who
-- looks after them, their plan; positions that the organisation does not have are left out. Their
-- columns go by the names of `book.customers` and `book.contacts`.
create or replace view book.sent_customers as
select
    customer.* replace (
        roots.root as parent_external_id, manager.id as account_manager,
        dunning.id as dunning_plan
    )
from book.customers as customer
left join book.roots as roots on roots.external_id = customer.external_id
left join book.names as manager
    on manager.kind = 'account_manager' and manager.name = lower(customer.account_manager)
left join book.names as dunning
    on dunning.kind = 'dunning_plan' and dunning.name = lower(customer.dunning_plan);

create or replace view book.sent_contacts as
select contact.* replace (if(refused.position is null, contact.position, null) as position)
from book.travelling_contacts as contact
left join book.refused_positions as refused on refused.position = contact.position;

create or replace view book.sent_own_contacts as
select contact.* replace (if(refused.position is null, contact.position, null) as position)
from book.own_contacts as contact
left join book.refused_positions as refused on refused.position = contact.position;
