-- Climbs `book.parents` (external_id, parent) to `book.roots` (external_id, root). Its rows must
-- not close a circle.
create or replace table book.roots as
with recursive climb(external_id, root, depth) as (
    select external_id, parent, 1 from book.parents
    union all
    select climb.external_id, parents.parent, climb.depth + 1
    from climb
    join book.parents as parents on parents.external_id = climb.root
    where climb.depth < 64
)
select external_id, arg_max(root, depth) as root
from climb
group by external_id;
