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
    details TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    version BIGINT NOT NULL CHECK (version >= 0)
);

CREATE TABLE asset (
    id TEXT PRIMARY KEY,
    source_name TEXT NOT NULL,
    duration_ms BIGINT NOT NULL CHECK (duration_ms >= 0),
    details TEXT NOT NULL,
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
    streams BIGINT NOT NULL CHECK (streams > 0),
    presale_from_at BIGINT,
    withdrawn_at BIGINT
);
CREATE INDEX offer_of_title ON offer (title_id);

-- Storefronts.

CREATE TABLE storefront (
    id TEXT PRIMARY KEY,
    slug TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    languages TEXT NOT NULL,
    currency TEXT NOT NULL,
    territories TEXT NOT NULL,
    default_territory TEXT,
    accent TEXT NOT NULL,
    theme TEXT NOT NULL CHECK (theme IN ('auto', 'light', 'dark')),
    tagline TEXT NOT NULL,
    is_default BIGINT NOT NULL CHECK (is_default IN (0, 1)),
    version BIGINT NOT NULL CHECK (version > 0)
);
CREATE UNIQUE INDEX storefront_default ON storefront (is_default) WHERE is_default = 1;

CREATE TABLE storefront_host (
    host TEXT PRIMARY KEY,
    storefront_id TEXT NOT NULL REFERENCES storefront (id),
    line BIGINT NOT NULL CHECK (line >= 0)
);
CREATE INDEX storefront_host_of_storefront ON storefront_host (storefront_id);

-- The storefront that every server begins with.
INSERT INTO storefront (id, slug, name, languages, currency, territories, accent, theme, tagline, is_default, version)
VALUES ('sfr_00000000000000000000000000', 'marquee', '{"en":"Marquee","zh-CN":"Marquee"}', '["zh-CN","en"]', 'CNY',
    '{"include":[],"exclude":[]}', '#a3201a', 'auto', '{}', 1, 1);

-- Accounts.

CREATE TABLE viewer (
    id TEXT PRIMARY KEY,
    email TEXT NOT NULL,
    -- The address in lower case, by which two are compared.
    email_folded TEXT NOT NULL UNIQUE,
    display_name TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    language TEXT,
    created_at BIGINT NOT NULL
);

CREATE TABLE operator (
    id TEXT PRIMARY KEY,
    -- The server's own operator has no address and no password.
    email TEXT,
    email_folded TEXT UNIQUE,
    name TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('owner', 'operator', 'finance', 'read_only')),
    password_hash TEXT,
    created_at BIGINT NOT NULL,
    last_seen_at BIGINT,
    disabled_at BIGINT,
    CHECK ((email IS NULL) = (email_folded IS NULL)),
    CHECK (password_hash IS NULL OR email IS NOT NULL)
);

-- One-time links; without an operator they make an owner.
CREATE TABLE operator_link (
    digest TEXT PRIMARY KEY,
    operator_id TEXT REFERENCES operator (id),
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT,
    voided_at BIGINT
);

CREATE TABLE api_token (
    id TEXT PRIMARY KEY,
    viewer_id TEXT REFERENCES viewer (id),
    operator_id TEXT REFERENCES operator (id),
    -- Of a token for a program: the most it may. Signing in makes one without.
    role TEXT CHECK (role IN ('owner', 'operator', 'finance', 'read_only')),
    name TEXT NOT NULL,
    digest TEXT NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    last_seen_at BIGINT,
    revoked_at BIGINT,
    CHECK ((viewer_id IS NULL) <> (operator_id IS NULL)),
    CHECK (role IS NULL OR operator_id IS NOT NULL)
);
CREATE INDEX api_token_of_viewer ON api_token (viewer_id, id);
CREATE INDEX api_token_of_operator ON api_token (operator_id, id);

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
    -- When it was ended early, and why.
    revoked_at BIGINT,
    revoke_reason TEXT
);
CREATE INDEX membership_of_viewer ON membership (viewer_id);

CREATE TABLE purchase (
    id TEXT PRIMARY KEY,
    viewer_id TEXT NOT NULL REFERENCES viewer (id),
    title_id TEXT NOT NULL REFERENCES title (id),
    avail_id TEXT NOT NULL REFERENCES avail (id),
    offer_id TEXT NOT NULL REFERENCES offer (id),
    storefront_id TEXT NOT NULL REFERENCES storefront (id),
    price_minor BIGINT NOT NULL CHECK (price_minor >= 0),
    currency TEXT NOT NULL,
    is_member_price BIGINT NOT NULL CHECK (is_member_price IN (0, 1)),
    territory TEXT NOT NULL,
    provider TEXT NOT NULL,
    payment_id TEXT NOT NULL UNIQUE,
    payment_details TEXT NOT NULL,
    -- JSON: what the payer must do.
    payment_action TEXT,
    status TEXT NOT NULL CHECK (status IN ('pending', 'paid', 'declined', 'expired', 'refunded')),
    livemode BIGINT NOT NULL CHECK (livemode IN (0, 1)),
    created_at BIGINT NOT NULL,
    decided_at BIGINT,
    CHECK ((status = 'pending') = (decided_at IS NULL))
);
CREATE INDEX purchase_of_viewer ON purchase (viewer_id, id);
CREATE INDEX purchase_by_order ON purchase (livemode, currency, created_at);
CREATE INDEX purchase_of_title ON purchase (title_id, created_at);
CREATE UNIQUE INDEX purchase_pending ON purchase (viewer_id, title_id) WHERE status = 'pending';

CREATE TABLE refund (
    id TEXT PRIMARY KEY,
    purchase_id TEXT NOT NULL UNIQUE REFERENCES purchase (id),
    amount_minor BIGINT NOT NULL CHECK (amount_minor >= 0),
    currency TEXT NOT NULL,
    reason TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

-- Vouchers. Of a code only its HMAC under a key of the server is kept.
CREATE TABLE voucher_batch (
    id TEXT PRIMARY KEY,
    title_id TEXT NOT NULL REFERENCES title (id),
    offer_id TEXT NOT NULL REFERENCES offer (id),
    count BIGINT NOT NULL CHECK (count > 0),
    expires_at BIGINT NOT NULL,
    note TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    void_at BIGINT,
    livemode BIGINT NOT NULL CHECK (livemode IN (0, 1))
);

CREATE TABLE voucher (
    id TEXT PRIMARY KEY,
    batch_id TEXT NOT NULL REFERENCES voucher_batch (id),
    code_hash TEXT NOT NULL UNIQUE,
    viewer_id TEXT REFERENCES viewer (id),
    redeemed_at BIGINT,
    CHECK ((viewer_id IS NULL) = (redeemed_at IS NULL))
);
CREATE INDEX voucher_of_batch ON voucher (batch_id);

-- A grant. The word alone is reserved in SQL.
CREATE TABLE viewer_grant (
    id TEXT PRIMARY KEY,
    viewer_id TEXT NOT NULL REFERENCES viewer (id),
    title_id TEXT NOT NULL REFERENCES title (id),
    avail_id TEXT NOT NULL REFERENCES avail (id),
    offer_id TEXT NOT NULL REFERENCES offer (id),
    -- Its one cause.
    purchase_id TEXT UNIQUE REFERENCES purchase (id),
    voucher_id TEXT UNIQUE REFERENCES voucher (id),
    start_within_ms BIGINT CHECK (start_within_ms > 0),
    watch_ms BIGINT NOT NULL CHECK (watch_ms > 0),
    issued_at BIGINT NOT NULL,
    available_at BIGINT NOT NULL CHECK (available_at >= issued_at),
    first_play_at BIGINT,
    hard_end_at BIGINT,
    streams BIGINT NOT NULL CHECK (streams > 0),
    revoked_at BIGINT,
    revoke_reason TEXT,
    livemode BIGINT NOT NULL CHECK (livemode IN (0, 1)),
    CHECK ((purchase_id IS NULL) <> (voucher_id IS NULL))
);
CREATE INDEX viewer_grant_of_viewer ON viewer_grant (viewer_id, title_id);

-- What a payment provider has told us, by its own id of the telling.
CREATE TABLE payment_event (
    id TEXT PRIMARY KEY,
    purchase_id TEXT NOT NULL REFERENCES purchase (id),
    -- A late payment came when the purchase had ended without money, and went back.
    kind TEXT NOT NULL CHECK (kind IN ('paid', 'declined', 'late')),
    recorded_at BIGINT NOT NULL
);
CREATE INDEX payment_event_of_purchase ON payment_event (purchase_id);

-- Callbacks whose signature was right, however often each came.
CREATE TABLE payment_callback (
    event_id TEXT NOT NULL,
    purchase_id TEXT NOT NULL REFERENCES purchase (id),
    first_at BIGINT NOT NULL,
    times BIGINT NOT NULL CHECK (times > 0),
    PRIMARY KEY (purchase_id, event_id)
);

-- What somebody pressed at the sandbox's cashier: the memory of a provider that is not there.
CREATE TABLE sandbox_payment (
    payment_id TEXT PRIMARY KEY,
    act TEXT NOT NULL CHECK (act IN ('pay', 'decline')),
    decided_at BIGINT NOT NULL
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
CREATE INDEX entry_by_instant ON entry (livemode, at);

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
    device TEXT NOT NULL,
    title_id TEXT NOT NULL REFERENCES title (id),
    part BIGINT NOT NULL CHECK (part > 0),
    asset_id TEXT NOT NULL,
    -- Where it was opened from; unknown where that was not known.
    territory TEXT,
    entitlement TEXT NOT NULL,
    opened_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT,
    revoke_reason TEXT,
    ended_at BIGINT
);
CREATE INDEX session_open ON session (id) WHERE ended_at IS NULL;
CREATE INDEX session_open_of_viewer ON session (viewer_id, id) WHERE ended_at IS NULL;
CREATE INDEX session_of_viewer_title ON session (viewer_id, title_id);
CREATE INDEX session_by_expiry ON session (expires_at);

-- Where a viewer left off.
CREATE TABLE progress (
    viewer_id TEXT NOT NULL REFERENCES viewer (id),
    title_id TEXT NOT NULL REFERENCES title (id),
    part BIGINT NOT NULL CHECK (part > 0),
    position_ms BIGINT NOT NULL CHECK (position_ms BETWEEN 0 AND duration_ms),
    duration_ms BIGINT NOT NULL CHECK (duration_ms > 0),
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (viewer_id, title_id)
);

CREATE TABLE change (
    position BIGINT PRIMARY KEY CHECK (position > 0),
    kind TEXT NOT NULL CHECK (kind IN ('catalog', 'grant', 'membership', 'session')),
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

-- Telemetry. What is said of a session, and what it amounts to. These rows outlive the session's own.

CREATE TABLE session_line (
    session_id TEXT NOT NULL,
    line BIGINT NOT NULL CHECK (line > 0),
    at BIGINT NOT NULL,
    source TEXT NOT NULL CHECK (source IN ('player', 'cmcd', 'server')),
    kind TEXT NOT NULL,
    detail TEXT NOT NULL,
    PRIMARY KEY (session_id, line)
);
CREATE INDEX session_line_by_age ON session_line (at);

CREATE TABLE session_qoe (
    session_id TEXT PRIMARY KEY,
    title_id TEXT NOT NULL,
    viewer_id TEXT,
    -- Of the grant it was opened with, if it was one.
    grant_id TEXT,
    opened_at BIGINT NOT NULL,
    duration_ms BIGINT NOT NULL CHECK (duration_ms >= 0),
    started_at BIGINT,
    startup_ms BIGINT CHECK (startup_ms >= 0),
    start_failed_at BIGINT,
    is_exit BIGINT NOT NULL CHECK (is_exit IN (0, 1)),
    stalls BIGINT NOT NULL CHECK (stalls >= 0),
    rebuffer_ms BIGINT NOT NULL CHECK (rebuffer_ms >= 0),
    watched_ms BIGINT NOT NULL CHECK (watched_ms >= 0),
    errors BIGINT NOT NULL CHECK (errors >= 0),
    furthest_permille BIGINT CHECK (furthest_permille BETWEEN 0 AND 1000),
    -- Bit n: something of the n-th fiftieth of the film was played.
    reached BIGINT NOT NULL,
    last_heard_at BIGINT NOT NULL,
    -- The whole state of the fold, as JSON.
    fold TEXT NOT NULL
);
CREATE INDEX session_qoe_by_opening ON session_qoe (opened_at);
CREATE INDEX session_qoe_by_start ON session_qoe (started_at);
CREATE INDEX session_qoe_by_failure ON session_qoe (start_failed_at);
CREATE INDEX session_qoe_of_title ON session_qoe (title_id, opened_at);
CREATE INDEX session_qoe_of_grant ON session_qoe (grant_id);

CREATE TABLE session_error (
    session_id TEXT NOT NULL REFERENCES session_qoe (session_id),
    code TEXT NOT NULL,
    errors BIGINT NOT NULL CHECK (errors > 0),
    last_at BIGINT NOT NULL,
    PRIMARY KEY (session_id, code)
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
    failure_message TEXT,
    -- Where it is, for whoever waits for it; JSON.
    stage TEXT
);
CREATE INDEX job_by_end ON job (finished_at);
CREATE INDEX job_unfinished ON job (id) WHERE status IN ('queued', 'running');
