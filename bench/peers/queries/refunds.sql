-- What was paid out, and journal entries against the client.
with currencies (currency, scale) as (values ('JPY', 1), ('KWD', 1000)),
money as (
    select cast(payout_id as text) as id, payout_id, client_no, currency, amount, paid_on as day,
        method, reference
    from money_out
    union all
    select 'J' || entry_id, null, client_no, currency, amount, booked_on, null, remark
    from journal
    where amount > 0
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
            'linkedPayments', json((
                select json_group_array(json_object(
                    'amountLinked', cast(round(applied.amount * coalesce(scale, 100)) as integer),
                    'payment', json_object('externalId', cast(target_id as text))
                ))
                from applied
                where source_kind = 'PAYOUT' and source_id = payout_id and target_kind = 'RECEIPT'
            )),
            'linkedCreditNotes', json((
                select json_group_array(json_object(
                    'amountLinked', cast(round(applied.amount * coalesce(scale, 100)) as integer),
                    'creditNote', json_object('externalId', cast(target_id as text))
                ))
                from applied
                where source_kind = 'PAYOUT' and source_id = payout_id and target_kind = 'CREDIT'
            ))
        ),
        json_patch(
            iif(method is null, '{}', json_object('instrument', method)),
            iif(reference is null, '{}', json_object('refNumber', reference))
        )
    ) as payload
from money
left join currencies on currencies.currency = money.currency
