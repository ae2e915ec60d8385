-- PostgreSQL only: the counts by which the hubs on one database share their limits. The tables are
-- unlogged: writing them costs no flush, and a crash of the server empties them. Times are
-- microseconds of the server's clock.

-- make_gate --
CREATE UNLOGGED TABLE IF NOT EXISTS gate (
    organisation BIGINT PRIMARY KEY,
    at BIGINT NOT NULL,
    total BIGINT NOT NULL
) WITH (fillfactor = 50)

-- make_arrival --
CREATE UNLOGGED TABLE IF NOT EXISTS gate_arrival (
    organisation BIGINT NOT NULL,
    at BIGINT NOT NULL,
    total BIGINT NOT NULL
)

-- make_arrival_index --
CREATE INDEX IF NOT EXISTS gate_arrival_at ON gate_arrival (organisation, at, total)

-- make_in_flight --
CREATE UNLOGGED TABLE IF NOT EXISTS gate_visitor (
    organisation BIGINT NOT NULL,
    process BIGINT NOT NULL,
    held BIGINT NOT NULL,
    PRIMARY KEY (organisation, process)
) WITH (fillfactor = 50)

-- now --
CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)

-- lock --
INSERT INTO gate (organisation, at, total) VALUES (?, {now}, 0)
ON CONFLICT (organisation) DO UPDATE SET at = greatest(gate.at, {now})
RETURNING at, total

-- before --
SELECT total FROM gate_arrival
WHERE organisation = ? AND at <= (SELECT at FROM gate WHERE organisation = ?) - ?
ORDER BY at DESC, total DESC LIMIT 1

-- held --
SELECT process, held FROM gate_visitor WHERE organisation = ? AND held > 0

-- arrive --
INSERT INTO gate_arrival (organisation, at, total) VALUES (?, ?, ?)

-- count --
UPDATE gate SET total = ? WHERE organisation = ?

-- set_held --
INSERT INTO gate_visitor (organisation, process, held) VALUES (?, ?, ?)
ON CONFLICT (organisation, process) DO UPDATE SET held = excluded.held

-- oldest --
SELECT at FROM gate_arrival WHERE organisation = ? AND at > ? ORDER BY at, total LIMIT 1

-- forget_arrivals --
DELETE FROM gate_arrival WHERE organisation = ? AND at <= ? AND total < ?

-- register --
SELECT pg_backend_pid(), pg_advisory_lock(?, pg_backend_pid())

-- is_gone --
SELECT pg_try_advisory_xact_lock(?, ?)

-- forget_process --
DELETE FROM gate_visitor WHERE process = ?

-- drop_arrivals --
DELETE FROM gate_arrival WHERE organisation = ?

-- drop_in_flight --
DELETE FROM gate_visitor WHERE organisation = ?

-- drop_gate --
DELETE FROM gate WHERE organisation = ?
