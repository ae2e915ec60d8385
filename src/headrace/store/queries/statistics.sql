-- PostgreSQL only.

-- grown --
SELECT relname FROM pg_class
WHERE relkind = 'r' AND relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())
    AND (reltuples < 0 OR pg_relation_size(oid) / 8192 > 2 * relpages + 1)
ORDER BY relname
