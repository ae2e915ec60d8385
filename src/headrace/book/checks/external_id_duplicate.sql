-- An external id names one record of its entity; two would overwrite each other (guide, Import).
select
    'error',
    entity,
    external_id,
    'stands ' || count(*) || ' times in the table ' || case
        when entity like '%\_pdf' escape '\' then 'documents'
        else entity || 's (adjustments included)'
    end,
    'make external_id unique in the model: use the source''s primary key'
from book.fingerprints
semi join book.touched using (key)
where external_id is not null
group by entity, external_id
having count(*) > 1;
