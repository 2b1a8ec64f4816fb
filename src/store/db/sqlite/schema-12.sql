-- Version 12, what SQLite cannot say of a table that is there: constraints that no longer hold. Each table is made anew,
-- with foreign keys off: what refers to it goes on doing so by its name.

CREATE TABLE avail_of_version_12 (
    id TEXT PRIMARY KEY,
    title_id TEXT NOT NULL REFERENCES title (id),
    license_type TEXT NOT NULL CHECK (license_type IN ('vod', 'est', 'svod', 'avod')),
    description TEXT,
    territories TEXT NOT NULL,
    start_at BIGINT NOT NULL,
    end_at BIGINT CHECK (end_at > start_at),
    zone TEXT NOT NULL,
    hard_end_at BIGINT CHECK (hard_end_at > start_at)
);
INSERT INTO avail_of_version_12 SELECT id, title_id, license_type, description, territories, start_at, end_at, zone,
    hard_end_at FROM avail;
DROP TABLE avail;
ALTER TABLE avail_of_version_12 RENAME TO avail;
CREATE INDEX avail_of_title ON avail (title_id);

CREATE TABLE offer_of_version_12 (
    id TEXT PRIMARY KEY,
    title_id TEXT NOT NULL REFERENCES title (id),
    avail_id TEXT NOT NULL REFERENCES avail (id),
    kind TEXT NOT NULL CHECK (kind IN ('pvod', 'rental', 'buy')),
    list_price_minor BIGINT NOT NULL CHECK (list_price_minor >= 0),
    member_price_minor BIGINT CHECK (member_price_minor BETWEEN 0 AND list_price_minor),
    currency TEXT NOT NULL,
    start_within_ms BIGINT CHECK (start_within_ms > 0),
    -- Without one it is for good.
    watch_ms BIGINT CHECK (watch_ms > 0),
    streams BIGINT NOT NULL CHECK (streams > 0),
    presale_from_at BIGINT,
    withdrawn_at BIGINT,
    until_members BIGINT NOT NULL DEFAULT 0
);
INSERT INTO offer_of_version_12 SELECT id, title_id, avail_id, kind, list_price_minor, member_price_minor, currency,
    start_within_ms, watch_ms, streams, presale_from_at, withdrawn_at, until_members FROM offer;
DROP TABLE offer;
ALTER TABLE offer_of_version_12 RENAME TO offer;
CREATE INDEX offer_of_title ON offer (title_id);

CREATE TABLE purchase_of_version_12 (
    id TEXT PRIMARY KEY,
    viewer_id TEXT NOT NULL REFERENCES viewer (id),
    -- One offer of one title, or a product.
    title_id TEXT REFERENCES title (id),
    avail_id TEXT REFERENCES avail (id),
    offer_id TEXT REFERENCES offer (id),
    product_id TEXT REFERENCES product (id),
    -- Of a bundle its titles, each with its part of the price; JSON.
    lines TEXT,
    storefront_id TEXT NOT NULL REFERENCES storefront (id),
    price_minor BIGINT NOT NULL CHECK (price_minor >= 0),
    currency TEXT NOT NULL,
    is_member_price BIGINT NOT NULL CHECK (is_member_price IN (0, 1)),
    coupon_id TEXT REFERENCES coupon (id),
    -- What the coupon took off.
    discount_minor BIGINT NOT NULL DEFAULT 0 CHECK (discount_minor >= 0),
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
    CHECK ((status = 'pending') = (decided_at IS NULL)),
    CHECK ((offer_id IS NULL) <> (product_id IS NULL)),
    CHECK ((offer_id IS NULL) = (title_id IS NULL) AND (offer_id IS NULL) = (avail_id IS NULL))
);
INSERT INTO purchase_of_version_12 (id, viewer_id, title_id, avail_id, offer_id, storefront_id, price_minor, currency,
    is_member_price, territory, provider, payment_id, payment_details, payment_action, status, livemode, created_at,
    decided_at)
SELECT id, viewer_id, title_id, avail_id, offer_id, storefront_id, price_minor, currency, is_member_price, territory,
    provider, payment_id, payment_details, payment_action, status, livemode, created_at, decided_at FROM purchase;
DROP TABLE purchase;
ALTER TABLE purchase_of_version_12 RENAME TO purchase;
CREATE INDEX purchase_of_viewer ON purchase (viewer_id, id);
CREATE INDEX purchase_by_order ON purchase (livemode, currency, created_at);
CREATE INDEX purchase_of_title ON purchase (title_id, created_at);
CREATE UNIQUE INDEX purchase_pending ON purchase (viewer_id, title_id) WHERE status = 'pending';

CREATE TABLE viewer_grant_of_version_12 (
    id TEXT PRIMARY KEY,
    viewer_id TEXT NOT NULL REFERENCES viewer (id),
    title_id TEXT NOT NULL REFERENCES title (id),
    avail_id TEXT NOT NULL REFERENCES avail (id),
    offer_id TEXT NOT NULL REFERENCES offer (id),
    -- Its one cause. A bundle gives several.
    purchase_id TEXT REFERENCES purchase (id),
    voucher_id TEXT UNIQUE REFERENCES voucher (id),
    start_within_ms BIGINT CHECK (start_within_ms > 0),
    watch_ms BIGINT CHECK (watch_ms > 0),
    issued_at BIGINT NOT NULL,
    available_at BIGINT NOT NULL CHECK (available_at >= issued_at),
    first_play_at BIGINT,
    hard_end_at BIGINT,
    streams BIGINT NOT NULL CHECK (streams > 0),
    revoked_at BIGINT,
    revoke_reason TEXT,
    livemode BIGINT NOT NULL CHECK (livemode IN (0, 1)),
    until_members BIGINT NOT NULL DEFAULT 0,
    CHECK ((purchase_id IS NULL) <> (voucher_id IS NULL)),
    UNIQUE (purchase_id, offer_id)
);
INSERT INTO viewer_grant_of_version_12 SELECT id, viewer_id, title_id, avail_id, offer_id, purchase_id, voucher_id,
    start_within_ms, watch_ms, issued_at, available_at, first_play_at, hard_end_at, streams, revoked_at, revoke_reason,
    livemode, until_members FROM viewer_grant;
DROP TABLE viewer_grant;
ALTER TABLE viewer_grant_of_version_12 RENAME TO viewer_grant;
CREATE INDEX viewer_grant_of_viewer ON viewer_grant (viewer_id, title_id);

-- What a purchase gave besides grants, and how purchases are found by what they are of.

CREATE UNIQUE INDEX purchase_pending_product ON purchase (viewer_id, product_id) WHERE status = 'pending';
CREATE INDEX purchase_of_product ON purchase (product_id, created_at) WHERE product_id IS NOT NULL;
CREATE INDEX purchase_with_coupon ON purchase (coupon_id, viewer_id) WHERE coupon_id IS NOT NULL;

ALTER TABLE membership ADD COLUMN purchase_id TEXT REFERENCES purchase (id);
CREATE UNIQUE INDEX membership_of_purchase ON membership (purchase_id) WHERE purchase_id IS NOT NULL;

ALTER TABLE coin_lot ADD COLUMN purchase_id TEXT REFERENCES purchase (id);
CREATE UNIQUE INDEX coin_lot_of_purchase ON coin_lot (purchase_id, kind) WHERE purchase_id IS NOT NULL;
