-- create --
create table if not exists {table} (
    organisation text not null,
    entity text not null,
    id text not null,
    customer text not null,
    customer_id text not null,
    customer_name text not null,
    currency text not null,
    -- in the currency's lowest division
    amount bigint not null,
    day text not null,
    instrument text not null,
    reference text not null,
    -- JSON: the documents that it settles or refunds
    links text not null,
    created_at text not null,
    -- collected; or gone, because it is booked by now or deleted
    state text not null,
    primary key (organisation, entity, id)
)

-- upsert --
insert into {table} (
    organisation, entity, id, customer, customer_id, customer_name, currency, amount, day,
    instrument, reference, links, created_at, state
) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'collected')
on conflict (organisation, entity, id) do update set
    customer = excluded.customer, customer_id = excluded.customer_id,
    customer_name = excluded.customer_name, currency = excluded.currency,
    amount = excluded.amount, day = excluded.day, instrument = excluded.instrument,
    reference = excluded.reference, links = excluded.links, created_at = excluded.created_at,
    state = excluded.state

-- present --
select entity, id from {table} where organisation = ? and state = 'collected'

-- leave --
update {table} set state = 'gone' where organisation = ? and entity = ? and id = ?
