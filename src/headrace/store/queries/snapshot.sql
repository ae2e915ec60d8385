-- For PostgreSQL alone.

-- lock_organisations --
-- As the writes of each organisation do; in one order, so that nobody waits in a circle.
SELECT pg_advisory_xact_lock(?, o.seq::int) FROM (SELECT seq FROM organisation ORDER BY seq) o

-- numbered_tables --
SELECT table_name::text FROM information_schema.columns
WHERE table_schema = current_schema() AND column_name = 'seq' AND is_identity = 'YES'
ORDER BY table_name

-- renumber --
-- Never lower than before: a number that was given out is not given out again.
SELECT setval(s.name, greatest(
    (SELECT coalesce(max(seq), 1) FROM TABLE_NAME), coalesce(pg_sequence_last_value(s.name), 1)
))
FROM (SELECT pg_get_serial_sequence('TABLE_NAME', 'seq')::regclass AS name) s
