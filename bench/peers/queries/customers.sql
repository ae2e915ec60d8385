-- Roots first, each child below its topmost parent, with the full list of contacts.
with recursive climb (client_no, root, depth) as (
    select client_no, parent_no, 1 from clients where parent_no is not null
    union all
    select climb.client_no, parent.parent_no, climb.depth + 1
    from climb
    join clients as parent on parent.client_no = climb.root
    where parent.parent_no is not null
),
roots as (
    select client_no, root, max(depth) from climb group by client_no
)
select
    cast(clients.client_no as text) as external_id,
    root is not null as is_child,
    json_patch(
        json_object(
            'externalId', cast(clients.client_no as text),
            'name', company,
            'vatNumber', coalesce(vat, ''),
            'accountingRef', coalesce(ledger_code, ''),
            'address', json_object(
                'address', coalesce(street, ''),
                'zipcode', coalesce(postcode, ''),
                'city', coalesce(town, ''),
                'country', coalesce(country, '')
            ),
            'contacts', json((
                select json_group_array(
                    json_patch(
                        json_object(
                            'externalId', cast(person_id as text),
                            'email', mail,
                            'firstName', given_name,
                            'lastName', family_name,
                            'phone', coalesce(phone, ''),
                            'isMain', json(iif(main = 1, 'true', 'false'))
                        ),
                        iif(role is null, '{}', json_object('position', role))
                    )
                )
                from people
                where people.client_no = clients.client_no
            ))
        ),
        iif(
            root is null,
            '{}',
            json_object('parent', json_object('externalId', cast(root as text)))
        )
    ) as payload
from clients
left join roots on roots.client_no = clients.client_no
order by is_child, clients.client_no
