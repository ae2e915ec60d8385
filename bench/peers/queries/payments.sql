-- What was received, journal entries in the client's favour, and for each invoice that was ticked
-- off a payment of what nothing covers.
with currencies (currency, scale) as (values ('JPY', 1), ('KWD', 1000)),
covered as (
    select target_id, sum(amount) as amount
    from applied
    where target_kind = 'BILL'
    group by target_id
),
money as (
    select
        cast(receipt_id as text) as id, client_no, currency, amount, received_on as day,
        method, reference,
        (
            select json_group_array(json_array(cast(target_id as text), applied.amount))
            from applied
            where source_kind = 'RECEIPT' and source_id = receipt_id and target_kind = 'BILL'
        ) as links
    from money_in
    union all
    select 'J' || entry_id, client_no, currency, -amount, booked_on, null, remark, '[]'
    from journal
    where amount < 0
    union all
    select
        'fix:' || bill_id, client_no, currency, total - coalesce(covered.amount, 0), issued,
        null, 'fix:' || bill_no,
        json_array(json_array(cast(bill_id as text), total - coalesce(covered.amount, 0)))
    from bills
    left join covered on covered.target_id = bill_id
    where kind = 'INVOICE'
      and settled_on is not null
      and total - coalesce(covered.amount, 0) > 0.0004
)
select
    id as external_id,
    json_patch(
        json_object(
            'externalId', id,
            'currency', money.currency,
            'amount', cast(round(amount * coalesce(scale, 100)) as integer),
            'validatedAt', day,
            'customer', json_object('externalId', cast(client_no as text)),
            'linkedInvoices', json((
                select json_group_array(json_object(
                    'amountLinked',
                    cast(round(json_extract(value, '$[1]') * coalesce(scale, 100)) as integer),
                    'invoice', json_object('externalId', json_extract(value, '$[0]'))
                ))
                from json_each(links)
            ))
        ),
        json_patch(
            iif(method is null, '{}', json_object('instrument', method)),
            iif(reference is null, '{}', json_object('refNumber', reference))
        )
    ) as payload
from money
left join currencies on currencies.currency = money.currency
