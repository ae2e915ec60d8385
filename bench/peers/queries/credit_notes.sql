with currencies (currency, scale) as (values ('JPY', 1), ('KWD', 1000))
select
    cast(bill_id as text) as external_id,
    json_patch(
        json_object(
            'externalId', cast(bill_id as text),
            'customId', bill_no,
            'issuedAt', issued,
            'currency', bills.currency,
            'grossAmount', cast(round(total * coalesce(scale, 100)) as integer),
            'netAmount', cast(round(net * coalesce(scale, 100)) as integer),
            'customer', json_object('externalId', cast(client_no as text)),
            'linkedInvoices', json((
                select json_group_array(json_object(
                    'amountLinked', cast(round(amount * coalesce(scale, 100)) as integer),
                    'invoice', json_object('externalId', cast(target_id as text))
                ))
                from applied
                where source_kind = 'CREDIT' and source_id = bill_id and target_kind = 'BILL'
            ))
        ),
        iif(subject is null, '{}', json_object('name', subject))
    ) as payload
from bills
left join currencies on currencies.currency = bills.currency
where kind = 'CREDIT'
order by bill_id
