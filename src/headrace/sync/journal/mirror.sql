-- Brings the book's copy of the acknowledged records up to date; `news` has the journal's changes
-- since the last time.
delete from staging.acknowledged
using news
where acknowledged.entity = news.entity and acknowledged.external_id = news.external_id;

insert into staging.acknowledged
select
    entity::varchar,
    external_id::varchar,
    (hash(entity::varchar, external_id::varchar) >> 1)::bigint,
    fingerprint::bigint
from news
where not gone;
