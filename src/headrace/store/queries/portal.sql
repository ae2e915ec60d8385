-- insert --
INSERT INTO portal_link (id, organisation, customer, token_hash, frame_ancestors, created_at,
    expires_at)
VALUES (?, ?, ?, ?, ?, ?, ?)

-- by_id --
SELECT l.token_hash, l.frame_ancestors, l.expires_at, l.revoked_at, c.id,
    o.seq, o.name, o.currency, o.time_zone, o.secret, o.clock
FROM portal_link l
JOIN customer c ON c.seq = l.customer
JOIN organisation o ON o.seq = l.organisation
WHERE l.id = ?

-- revoke_of_customer --
UPDATE portal_link SET revoked_at = ? WHERE customer = ? AND revoked_at IS NULL

-- delete_of_customer --
DELETE FROM portal_link WHERE customer = ?
