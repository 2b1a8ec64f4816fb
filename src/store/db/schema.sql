-- Version 1. Portable: TEXT ids, BIGINT minor units and epoch milliseconds, TEXT JSON, TEXT hex for hashes, TEXT base64
-- for wrapped keys. Instants end in _at, amounts in _minor; a table is named like the type it keeps. What a backend
-- says in its own dialect (the triggers that keep journals append-only) stands in a file of its own beside the adapter.

-- The catalogue.

CREATE TABLE title (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    synopsis TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('draft', 'live', 'suspended', 'withdrawn')),
    parts TEXT NOT NULL,
    runtime_ms BIGINT NOT NULL CHECK (runtime_ms >= 0),
    created_at BIGINT NOT NULL,
    version BIGINT NOT NULL CHECK (version >= 0)
);

CREATE TABLE asset (
    id TEXT PRIMARY KEY,
    source_name TEXT NOT NULL,
    duration_ms BIGINT NOT NULL CHECK (duration_ms >= 0),
    created_at BIGINT NOT NULL
);

CREATE TABLE avail (
    id TEXT PRIMARY KEY,
    title_id TEXT NOT NULL REFERENCES title (id),
    license_type TEXT NOT NULL CHECK (license_type IN ('vod', 'svod', 'avod')),
    description TEXT,
    territories TEXT NOT NULL,
    start_at BIGINT NOT NULL,
    end_at BIGINT CHECK (end_at > start_at),
    zone TEXT NOT NULL,
    hard_end_at BIGINT CHECK (hard_end_at > start_at)
);
CREATE INDEX avail_of_title ON avail (title_id);

CREATE TABLE offer (
    id TEXT PRIMARY KEY,
    title_id TEXT NOT NULL REFERENCES title (id),
    avail_id TEXT NOT NULL REFERENCES avail (id),
    kind TEXT NOT NULL CHECK (kind IN ('pvod', 'rental')),
    list_price_minor BIGINT NOT NULL CHECK (list_price_minor >= 0),
    member_price_minor BIGINT CHECK (member_price_minor BETWEEN 0 AND list_price_minor),
    currency TEXT NOT NULL,
    start_within_ms BIGINT CHECK (start_within_ms > 0),
    watch_ms BIGINT NOT NULL CHECK (watch_ms > 0),
    streams BIGINT NOT NULL CHECK (streams > 0)
);
CREATE INDEX offer_of_title ON offer (title_id);

-- Accounts.

CREATE TABLE viewer (
    id TEXT PRIMARY KEY,
    email TEXT NOT NULL,
    -- The address in lower case, by which two are compared.
    email_folded TEXT NOT NULL UNIQUE,
    display_name TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE operator (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE api_token (
    id TEXT PRIMARY KEY,
    viewer_id TEXT REFERENCES viewer (id),
    operator_id TEXT REFERENCES operator (id),
    digest TEXT NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT,
    CHECK ((viewer_id IS NULL) <> (operator_id IS NULL))
);

-- Commerce.

CREATE TABLE plan (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    streams BIGINT NOT NULL CHECK (streams >= 0)
);

CREATE TABLE membership (
    id TEXT PRIMARY KEY,
    viewer_id TEXT NOT NULL REFERENCES viewer (id),
    plan_id TEXT NOT NULL REFERENCES plan (id),
    streams BIGINT NOT NULL CHECK (streams >= 0),
    starts_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL,
    revoked_at BIGINT
);
CREATE INDEX membership_of_viewer ON membership (viewer_id);

CREATE TABLE purchase (
    id TEXT PRIMARY KEY,
    viewer_id TEXT NOT NULL REFERENCES viewer (id),
    title_id TEXT NOT NULL REFERENCES title (id),
    avail_id TEXT NOT NULL REFERENCES avail (id),
    offer_id TEXT NOT NULL REFERENCES offer (id),
    price_minor BIGINT NOT NULL CHECK (price_minor >= 0),
    currency TEXT NOT NULL,
    is_member_price BIGINT NOT NULL CHECK (is_member_price IN (0, 1)),
    territory TEXT NOT NULL,
    provider TEXT NOT NULL,
    payment_id TEXT NOT NULL UNIQUE,
    payment_details TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('pending', 'paid', 'declined', 'expired', 'refunded')),
    livemode BIGINT NOT NULL CHECK (livemode IN (0, 1)),
    created_at BIGINT NOT NULL,
    decided_at BIGINT,
    CHECK ((status = 'pending') = (decided_at IS NULL))
);
CREATE INDEX purchase_of_viewer ON purchase (viewer_id, id);
CREATE UNIQUE INDEX purchase_pending ON purchase (viewer_id, title_id) WHERE status = 'pending';

CREATE TABLE refund (
    id TEXT PRIMARY KEY,
    purchase_id TEXT NOT NULL UNIQUE REFERENCES purchase (id),
    amount_minor BIGINT NOT NULL CHECK (amount_minor >= 0),
    currency TEXT NOT NULL,
    reason TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

-- A grant. The word alone is reserved in SQL.
CREATE TABLE viewer_grant (
    id TEXT PRIMARY KEY,
    viewer_id TEXT NOT NULL REFERENCES viewer (id),
    title_id TEXT NOT NULL REFERENCES title (id),
    avail_id TEXT NOT NULL REFERENCES avail (id),
    offer_id TEXT NOT NULL REFERENCES offer (id),
    purchase_id TEXT NOT NULL UNIQUE REFERENCES purchase (id),
    start_within_ms BIGINT CHECK (start_within_ms > 0),
    watch_ms BIGINT NOT NULL CHECK (watch_ms > 0),
    issued_at BIGINT NOT NULL,
    first_play_at BIGINT,
    hard_end_at BIGINT,
    streams BIGINT NOT NULL CHECK (streams > 0),
    revoked_at BIGINT,
    revoke_reason TEXT,
    livemode BIGINT NOT NULL CHECK (livemode IN (0, 1))
);
CREATE INDEX viewer_grant_of_viewer ON viewer_grant (viewer_id, title_id);

-- What a payment provider has told us, by its own id of the telling.
CREATE TABLE payment_event (
    id TEXT PRIMARY KEY,
    purchase_id TEXT NOT NULL REFERENCES purchase (id),
    recorded_at BIGINT NOT NULL
);

CREATE TABLE idempotency (
    caller TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    request_digest TEXT NOT NULL,
    object_id TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (caller, idempotency_key)
);
CREATE INDEX idempotency_by_age ON idempotency (created_at);

-- The journal. Rows are only ever added.

CREATE TABLE entry (
    position BIGINT PRIMARY KEY CHECK (position > 0),
    id TEXT NOT NULL UNIQUE,
    at BIGINT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('purchase', 'refund')),
    purchase_id TEXT NOT NULL REFERENCES purchase (id),
    reverses TEXT UNIQUE REFERENCES entry (id),
    livemode BIGINT NOT NULL CHECK (livemode IN (0, 1)),
    hash TEXT NOT NULL UNIQUE,
    UNIQUE (purchase_id, kind)
);

CREATE TABLE posting (
    entry_id TEXT NOT NULL REFERENCES entry (id),
    line BIGINT NOT NULL CHECK (line >= 0),
    account TEXT NOT NULL,
    amount_minor BIGINT NOT NULL,
    currency TEXT NOT NULL,
    PRIMARY KEY (entry_id, line)
);

CREATE TABLE audit (
    position BIGINT PRIMARY KEY CHECK (position > 0),
    id TEXT NOT NULL UNIQUE,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL,
    hash TEXT NOT NULL UNIQUE
);

-- Playback.

CREATE TABLE session (
    id TEXT PRIMARY KEY,
    viewer_id TEXT REFERENCES viewer (id),
    title_id TEXT NOT NULL REFERENCES title (id),
    part BIGINT NOT NULL CHECK (part > 0),
    asset_id TEXT NOT NULL,
    entitlement TEXT NOT NULL,
    opened_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT,
    revoke_reason TEXT,
    ended_at BIGINT
);
CREATE INDEX session_open ON session (id) WHERE ended_at IS NULL;

CREATE TABLE change (
    position BIGINT PRIMARY KEY CHECK (position > 0),
    kind TEXT NOT NULL CHECK (kind IN ('catalog', 'grant', 'session')),
    subject TEXT,
    at BIGINT NOT NULL
);

CREATE TABLE content_key (
    asset_id TEXT NOT NULL,
    track TEXT NOT NULL,
    id TEXT NOT NULL UNIQUE,
    wrapped TEXT NOT NULL,
    PRIMARY KEY (asset_id, track)
);

CREATE TABLE signing_key (
    id TEXT PRIMARY KEY,
    wrapped TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

-- Ingest.

CREATE TABLE upload (
    id TEXT PRIMARY KEY,
    file_name TEXT NOT NULL,
    length_bytes BIGINT NOT NULL CHECK (length_bytes >= 0),
    received_bytes BIGINT NOT NULL CHECK (received_bytes BETWEEN 0 AND length_bytes),
    created_at BIGINT NOT NULL,
    job_id TEXT
);

CREATE TABLE job (
    id TEXT PRIMARY KEY,
    upload_id TEXT NOT NULL,
    source_name TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('queued', 'running', 'done', 'failed')),
    progress_permille BIGINT NOT NULL CHECK (progress_permille BETWEEN 0 AND 1000),
    created_at BIGINT NOT NULL,
    finished_at BIGINT,
    node TEXT,
    lease_until BIGINT,
    asset_id TEXT,
    failure_code TEXT,
    failure_message TEXT
);
CREATE INDEX job_unfinished ON job (id) WHERE status IN ('queued', 'running');
