-- How many links of each kind find their documents.
select
    from_kind, to_kind, count(*) as rows, count_if(has_source)::bigint as sources,
    count_if(has_target)::bigint as targets
from {links}
group by from_kind, to_kind
