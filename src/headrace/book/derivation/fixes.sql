-- An invoice marked paid that no settlement covers gets a payment of what is open, dated on the
-- invoice's issue date (docs/api-evidence.md, Fix payments). Allocations in error count as
-- cover: their money stays open and is reported, instead of being papered over.
with marked as (
    from book.marked_invoices
    where external_id is not null /* narrowed: external_id */
),
settling as (
    select to_external_id, amount
    from book.allocations
    where to_entity = 'invoice' /* narrowed: to_external_id */
    union all
    select invoice_external_id, amount
    from book.settlements
    where true /* narrowed: invoice_external_id */
),
covered as (
    -- Not beyond a whole number of 64 bits, whatever the source says.
    select to_external_id, least(sum(amount), 9000000000000000000)::bigint as amount
    from settling
    semi join marked on marked.external_id = settling.to_external_id
    where amount > 0
    group by all
)
select
    'fix:' || marked.external_id as external_id,
    marked.customer_external_id,
    marked.currency,
    marked.gross_amount - coalesce(covered.amount, 0) as amount,
    marked.issued_at as validated_at,
    'fix:' || marked.custom_id as ref_number,
    marked.external_id as invoice_external_id
from marked
left join covered on covered.to_external_id = marked.external_id
where marked.gross_amount > coalesce(covered.amount, 0)
