CREATE TABLE organisation (
    seq INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    currency TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    secret TEXT NOT NULL,
    created_at TEXT NOT NULL
);

CREATE TABLE api_key (
    key TEXT PRIMARY KEY,
    organisation BIGINT NOT NULL REFERENCES organisation (seq),
    name TEXT NOT NULL DEFAULT '',
    secret_hash TEXT NOT NULL,
    created_at TEXT NOT NULL,
    last_used_at TEXT,
    expires_at TEXT,
    revoked_at TEXT
);

CREATE TABLE position (
    organisation BIGINT NOT NULL REFERENCES organisation (seq),
    name TEXT NOT NULL,
    PRIMARY KEY (organisation, name)
);

CREATE TABLE customer (
    seq INTEGER PRIMARY KEY,
    organisation BIGINT NOT NULL REFERENCES organisation (seq),
    id TEXT NOT NULL UNIQUE,
    external_id TEXT,
    parent BIGINT REFERENCES customer (seq),
    name TEXT NOT NULL,
    accounting_ref TEXT,
    created_at TEXT NOT NULL,
    modified_at TEXT NOT NULL,
    contacts TEXT NOT NULL,
    body TEXT NOT NULL
);
CREATE UNIQUE INDEX customer_external ON customer (organisation, external_id);
CREATE INDEX customer_page ON customer (organisation, seq);
CREATE INDEX customer_parent ON customer (parent) WHERE parent IS NOT NULL;

CREATE TABLE pdf_file (
    id TEXT PRIMARY KEY,
    digest TEXT NOT NULL,
    size BIGINT NOT NULL,
    keep_until TEXT,
    doomed_at TEXT
);
CREATE UNIQUE INDEX pdf_file_digest ON pdf_file (digest) WHERE doomed_at IS NULL;
CREATE INDEX pdf_file_waste ON pdf_file (keep_until) WHERE keep_until IS NOT NULL;
CREATE INDEX pdf_file_doomed ON pdf_file (doomed_at) WHERE doomed_at IS NOT NULL;

CREATE TABLE document (
    seq INTEGER PRIMARY KEY,
    organisation BIGINT NOT NULL REFERENCES organisation (seq),
    entity TEXT NOT NULL,
    id TEXT NOT NULL UNIQUE,
    external_id TEXT,
    customer BIGINT NOT NULL REFERENCES customer (seq),
    currency TEXT NOT NULL,
    amount BIGINT NOT NULL,
    applied BIGINT NOT NULL DEFAULT 0,
    dated TEXT,
    due_date TEXT,
    mark TEXT,
    pdf TEXT REFERENCES pdf_file (id),
    created_at TEXT NOT NULL,
    modified_at TEXT NOT NULL,
    body TEXT NOT NULL,
    CHECK (applied >= 0 AND applied <= amount)
);
CREATE UNIQUE INDEX document_external ON document (organisation, entity, external_id);
CREATE INDEX document_page ON document (organisation, entity, seq);
CREATE INDEX document_pdf ON document (pdf) WHERE pdf IS NOT NULL;
CREATE INDEX document_customer ON document (customer, entity, seq);
CREATE INDEX document_open ON document (
    customer, entity, currency, amount, applied, due_date, mark
) WHERE applied < amount;

CREATE TABLE reconciliation (
    seq INTEGER PRIMARY KEY,
    organisation BIGINT NOT NULL REFERENCES organisation (seq),
    external_id TEXT NOT NULL
);
CREATE UNIQUE INDEX reconciliation_external ON reconciliation (organisation, external_id);

CREATE TABLE allocation (
    seq INTEGER PRIMARY KEY,
    source BIGINT NOT NULL REFERENCES document (seq),
    target BIGINT NOT NULL REFERENCES document (seq),
    amount BIGINT NOT NULL CHECK (amount > 0),
    reconciliation BIGINT REFERENCES reconciliation (seq)
);
CREATE INDEX allocation_reconciliation ON allocation (reconciliation)
    WHERE reconciliation IS NOT NULL;
CREATE INDEX allocation_source ON allocation (source);
CREATE INDEX allocation_target ON allocation (target);

CREATE TABLE counter (
    organisation BIGINT NOT NULL,
    customer BIGINT NOT NULL,
    entity TEXT NOT NULL,
    currency TEXT NOT NULL,
    total BIGINT NOT NULL,
    PRIMARY KEY (organisation, customer, entity, currency)
);

CREATE TABLE custom_field (
    seq INTEGER PRIMARY KEY,
    organisation BIGINT NOT NULL REFERENCES organisation (seq),
    entity TEXT NOT NULL,
    id TEXT NOT NULL UNIQUE,
    external_id TEXT,
    data_type TEXT NOT NULL,
    created_at TEXT NOT NULL,
    body TEXT NOT NULL
);
CREATE UNIQUE INDEX custom_field_external ON custom_field (organisation, external_id, entity);
CREATE INDEX custom_field_page ON custom_field (organisation, seq);

CREATE TABLE custom_key (
    seq INTEGER PRIMARY KEY,
    field BIGINT NOT NULL REFERENCES custom_field (seq),
    key TEXT NOT NULL,
    total BIGINT NOT NULL CHECK (total >= 0)
);
CREATE UNIQUE INDEX custom_key_text ON custom_key (field, key);

CREATE TABLE custom_value (
    owner BIGINT NOT NULL,
    field BIGINT NOT NULL REFERENCES custom_field (seq),
    place BIGINT NOT NULL,
    key BIGINT REFERENCES custom_key (seq),
    value TEXT,
    PRIMARY KEY (owner, field, place)
);
CREATE INDEX custom_value_key ON custom_value (key, owner);
CREATE INDEX custom_value_field ON custom_value (field);

CREATE TABLE catalogue (
    seq INTEGER PRIMARY KEY,
    organisation BIGINT NOT NULL REFERENCES organisation (seq),
    entity TEXT NOT NULL,
    id TEXT NOT NULL UNIQUE,
    body TEXT NOT NULL
);
CREATE INDEX catalogue_page ON catalogue (organisation, entity, seq);

CREATE TABLE action (
    seq INTEGER PRIMARY KEY,
    organisation BIGINT NOT NULL REFERENCES organisation (seq),
    id TEXT NOT NULL UNIQUE,
    customer BIGINT REFERENCES customer (seq),
    invoice BIGINT REFERENCES document (seq),
    body TEXT NOT NULL
);
CREATE INDEX action_page ON action (organisation, seq);
CREATE INDEX action_customer ON action (customer, seq) WHERE customer IS NOT NULL;
CREATE INDEX action_invoice ON action (invoice) WHERE invoice IS NOT NULL;

CREATE TABLE note (
    seq INTEGER PRIMARY KEY,
    customer BIGINT NOT NULL REFERENCES customer (seq),
    id TEXT NOT NULL UNIQUE,
    created_at TEXT NOT NULL,
    content TEXT NOT NULL
);
CREATE INDEX note_customer ON note (customer, seq);

CREATE TABLE portal_link (
    id TEXT PRIMARY KEY,
    organisation BIGINT NOT NULL REFERENCES organisation (seq),
    customer BIGINT NOT NULL REFERENCES customer (seq),
    token_hash TEXT NOT NULL,
    frame_ancestors TEXT,
    created_at TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    revoked_at TEXT
);
CREATE INDEX portal_link_customer ON portal_link (customer);
