-- The book's copy of what the API was told, brought up to the journal: `news` holds what changed
-- there since the last time.
delete from staging.told
using news
where told.entity = news.entity and told.external_id = news.external_id;

insert into staging.told
select
    entity::varchar,
    external_id::varchar,
    (hash(entity::varchar, external_id::varchar) >> 1)::bigint,
    fingerprint::bigint
from news
where not gone;
