-- A model whose joins find nothing makes no rows, and says nothing of it.
select
    if(selected < 10, 'warning', 'error'),
    rtrim(name, 's'),
    '*',
    format('has no rows, though its model selects {:,} of ', selected) || source,
    'its joins find nothing: compare the columns that they join in models/' || name || '.sql'
from book.coverage
where made = 0 and selected > 0;
