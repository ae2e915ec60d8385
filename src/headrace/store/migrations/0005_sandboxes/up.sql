ALTER TABLE organisation ADD COLUMN limits TEXT;
CREATE TABLE sandbox (
    organisation BIGINT PRIMARY KEY REFERENCES organisation (seq),
    expires_at TEXT,
    created_at TEXT NOT NULL
);
CREATE INDEX sandbox_expires ON sandbox (expires_at) WHERE expires_at IS NOT NULL;
INSERT INTO meta (name, value)
SELECT 'organisations', seq FROM organisation ORDER BY seq DESC LIMIT 1;
