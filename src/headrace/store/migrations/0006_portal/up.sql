CREATE TABLE portal_settings (
    organisation BIGINT PRIMARY KEY REFERENCES organisation (seq),
    body TEXT NOT NULL
);
CREATE TABLE portal_answer (
    seq INTEGER PRIMARY KEY,
    organisation BIGINT NOT NULL REFERENCES organisation (seq),
    id TEXT NOT NULL UNIQUE,
    invoice BIGINT NOT NULL REFERENCES document (seq),
    kind TEXT NOT NULL,
    reason TEXT,
    comment TEXT,
    promised_for TEXT,
    created_at TEXT NOT NULL,
    settled_at TEXT
);
CREATE INDEX portal_answer_invoice ON portal_answer (invoice, kind);
CREATE INDEX portal_answer_page ON portal_answer (organisation, seq);
CREATE TABLE portal_file (
    seq INTEGER PRIMARY KEY,
    organisation BIGINT NOT NULL REFERENCES organisation (seq),
    id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    size BIGINT NOT NULL,
    created_at TEXT NOT NULL,
    content TEXT NOT NULL
);
CREATE INDEX portal_file_organisation ON portal_file (organisation, seq);
CREATE TABLE portal_visit (
    link TEXT NOT NULL REFERENCES portal_link (id),
    day TEXT NOT NULL,
    what TEXT NOT NULL,
    total BIGINT NOT NULL,
    last_at TEXT NOT NULL,
    PRIMARY KEY (link, day, what)
);
CREATE INDEX portal_link_organisation ON portal_link (organisation);
