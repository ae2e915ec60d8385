CREATE TABLE console_user (
    seq INTEGER PRIMARY KEY,
    email TEXT NOT NULL UNIQUE,
    password TEXT NOT NULL,
    created_at TEXT NOT NULL,
    last_seen_at TEXT
);
CREATE TABLE console_session (
    id TEXT PRIMARY KEY,
    person BIGINT NOT NULL REFERENCES console_user (seq),
    created_at TEXT NOT NULL,
    last_at TEXT NOT NULL
);
CREATE INDEX console_session_person ON console_session (person);
CREATE TABLE console_attempt (
    name TEXT PRIMARY KEY,
    failures BIGINT NOT NULL,
    until TEXT NOT NULL
);
