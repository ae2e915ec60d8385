-- When a good part of a table stays behind, the model is wrong rather than its rows.
-- Over: withheld.
select
    'warning',
    sizes.entity,
    '*',
    format('{:,} of {:,} ', count(*), any_value(sizes.rows)) || 'are withheld',
    'look at the first of their problems: most likely they have one cause'
from book.withheld as withheld
join book.sizes as sizes using (entity)
where sizes.rows >= 10
group by sizes.entity
having count(*) * 5 > any_value(sizes.rows);
