-- How money came: the API lists six words, and shows any other as it stands. One warning for each.
-- Over: payments where instrument is not null.
-- Over: refunds where instrument is not null.
with used as (
    select
        'payment' as entity, external_id, instrument, strip_accents(lower(instrument)) as word
    from book.payments
    union all /* with: refunds */
    select 'refund', external_id, instrument, strip_accents(lower(instrument))
    from book.refunds
)
select
    'warning',
    entity,
    min(external_id),
    'has the instrument ''' || instrument || ''''
        || if(count(*) > 1, ', as have ' || (count(*) - 1) || ' more', '')
        || ', which the API does not list',
    'write ' || case
        when word similar to '.*(debit|prelev|lastschrift|einzug|sdd).*' then 'DIRECT_DEBIT'
        when word similar to '.*(card|visa|master|amex|carte|karte|cb).*' then 'CARD'
        when word similar to '.*(check|cheque|scheck).*' then 'CHECK'
        when word similar to '.*(cash|especes)|bar' then 'CASH'
        when word similar to '.*(transfer|wire|bank|virement|uberweisung|sepa|ach).*'
            then 'WIRE_TRANSFER'
        else 'UNKNOWN'
    end || ' in models/' || entity
        || 's.sql (there are WIRE_TRANSFER, DIRECT_DEBIT, CARD, CASH, CHECK, UNKNOWN)'
from used
where instrument not in ('WIRE_TRANSFER', 'DIRECT_DEBIT', 'CARD', 'CASH', 'CHECK', 'UNKNOWN')
group by entity, instrument, word;
