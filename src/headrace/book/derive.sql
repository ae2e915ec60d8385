-- What follows from the canonical tables alone, before any rule is checked.

-- Each child's root ancestor: the API knows one level (guide, Parent-child relation). A chain that
-- does not end within 64 levels is taken for a cycle and reported by a check.
create or replace table book.roots as
with recursive climb(external_id, root, depth) as (
    select external_id, parent_external_id, 1
    from book.customers
    where parent_external_id is not null
    union all
    select climb.external_id, parent.parent_external_id, climb.depth + 1
    from climb
    join book.customers as parent on parent.external_id = climb.root
    where parent.parent_external_id is not null and climb.depth < 64
)
select external_id, arg_max(root, depth) as root, max(depth) >= 64 as endless
from climb
group by external_id;

-- Whether any allocation of a settlement changed, by a number that stands for its name: grouping
-- and joining by numbers is several times cheaper than by text.
create or replace table book.allocation_marks as
select
    hash(from_entity, from_external_id) as key,
    sum(hash(to_entity, to_external_id, amount)) as mark
from book.allocations
group by all;

-- An invoice marked paid that no settlement covers gets a payment of what is open, dated on the
-- invoice's issue date (guide, Import Payment).
create or replace table book.fixes as
with marked as (
    select * from book.invoices where marked_paid_at is not null
),
covered as (
    select to_external_id, sum(amount)::bigint as amount
    from book.allocations as allocation
    semi join marked on marked.external_id = allocation.to_external_id
    where to_entity = 'invoice'
    group by all
)
select
    'fix:' || marked.external_id as external_id,
    marked.customer_external_id,
    marked.currency,
    marked.gross_amount - coalesce(covered.amount, 0) as amount,
    marked.issued_at as validated_at,
    null::varchar as instrument,
    'fix:' || marked.custom_id as ref_number,
    null::varchar as bank_account_id,
    marked.external_id as invoice_external_id
from marked
left join covered on covered.to_external_id = marked.external_id
where marked.gross_amount > coalesce(covered.amount, 0);

-- Who settles whom, the synthetic payments included; a pair may stand in several rows.
create or replace view book.links as
from book.allocations
select from_entity, from_external_id, to_entity, to_external_id, amount
union all
from book.fixes
select 'payment', external_id, 'invoice', invoice_external_id, amount;

-- Adjustments and fixes ride as payments and refunds (guide, Data model mapping); `origin` keeps
-- the table that they came from.
create or replace view book.all_payments as
select
    external_id, customer_external_id, currency, amount, validated_at,
    instrument, ref_number, bank_account_id, 'payment' as origin
from book.payments
union all
select
    external_id, customer_external_id, currency, -amount, booked_at,
    null, ref_number, null, 'adjustment'
from book.adjustments
where amount < 0
union all
select * exclude (invoice_external_id), 'fix' from book.fixes;

create or replace view book.all_refunds as
select
    external_id, customer_external_id, currency, amount, validated_at,
    instrument, ref_number, bank_account_id, 'refund' as origin
from book.refunds
union all
select
    external_id, customer_external_id, currency, amount, booked_at,
    null, ref_number, null, 'adjustment'
from book.adjustments
where amount > 0;

-- Everything of the source that has a customer and a currency, for rules that hold for all of it.
create or replace view book.all_documents as
select 'invoice' as entity, external_id, customer_external_id, currency, gross_amount as amount
from book.invoices
union all
select 'credit_note', external_id, customer_external_id, currency, gross_amount
from book.credit_notes
union all
select 'payment', external_id, customer_external_id, currency, amount
from book.payments
union all
select 'refund', external_id, customer_external_id, currency, amount
from book.refunds
union all
select 'adjustment', external_id, customer_external_id, currency, abs(amount)
from book.adjustments;

-- Contacts with what keeps one from travelling; a bad contact never holds back its customer.
create or replace table book.judged_contacts as
select
    *,
    case
        when email is null then 'has no e-mail address'
        when not regexp_full_match(email, '[^@\s]+@[^@\s]+\.[^@\s.]+')
            then 'has the e-mail address ''' || email || ''', which is none'
        when row_number() over (
            partition by customer_external_id, lower(email) order by external_id nulls last
        ) > 1
            then 'has the e-mail address ''' || email || ''', which another contact of this customer has'
    end as problem
from book.contacts
where customer_external_id is not null;

-- Every record that travels, with its customer, its money and its date.
create or replace view book.placed as
select
    'customer' as entity, external_id, external_id as customer,
    null::varchar as currency, null::bigint as amount, null::timestamp as moment
from book.customers
union all
select 'invoice', external_id, customer_external_id, currency, gross_amount, issued_at
from book.invoices
union all
select 'credit_note', external_id, customer_external_id, currency, gross_amount, issued_at
from book.credit_notes
union all
select 'payment', external_id, customer_external_id, currency, amount, validated_at
from book.all_payments
union all
select 'refund', external_id, customer_external_id, currency, amount, validated_at
from book.all_refunds;

create or replace view book.travelling_contacts as
from book.judged_contacts
where problem is null;
