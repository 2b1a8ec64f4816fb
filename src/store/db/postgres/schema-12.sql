-- Version 12, what SQLite says by making tables anew: constraints that no longer hold.

ALTER TABLE avail DROP CONSTRAINT avail_license_type_check;
ALTER TABLE avail ADD CHECK (license_type IN ('vod', 'est', 'svod', 'avod'));

ALTER TABLE offer DROP CONSTRAINT offer_kind_check;
ALTER TABLE offer ADD CHECK (kind IN ('pvod', 'rental', 'buy'));
ALTER TABLE offer ALTER COLUMN watch_ms DROP NOT NULL;

ALTER TABLE purchase ALTER COLUMN title_id DROP NOT NULL;
ALTER TABLE purchase ALTER COLUMN avail_id DROP NOT NULL;
ALTER TABLE purchase ALTER COLUMN offer_id DROP NOT NULL;
ALTER TABLE purchase ADD COLUMN product_id TEXT REFERENCES product (id);
ALTER TABLE purchase ADD COLUMN lines TEXT;
ALTER TABLE purchase ADD COLUMN coupon_id TEXT REFERENCES coupon (id);
ALTER TABLE purchase ADD COLUMN discount_minor BIGINT NOT NULL DEFAULT 0 CHECK (discount_minor >= 0);
ALTER TABLE purchase ADD CHECK ((offer_id IS NULL) <> (product_id IS NULL));
ALTER TABLE purchase ADD CHECK ((offer_id IS NULL) = (title_id IS NULL) AND (offer_id IS NULL) = (avail_id IS NULL));

ALTER TABLE viewer_grant ALTER COLUMN watch_ms DROP NOT NULL;
ALTER TABLE viewer_grant DROP CONSTRAINT viewer_grant_purchase_id_key;
ALTER TABLE viewer_grant ADD UNIQUE (purchase_id, offer_id);

-- What a purchase gave besides grants, and how purchases are found by what they are of.

CREATE UNIQUE INDEX purchase_pending_product ON purchase (viewer_id, product_id) WHERE status = 'pending';
CREATE INDEX purchase_of_product ON purchase (product_id, created_at) WHERE product_id IS NOT NULL;
CREATE INDEX purchase_with_coupon ON purchase (coupon_id, viewer_id) WHERE coupon_id IS NOT NULL;

ALTER TABLE membership ADD COLUMN purchase_id TEXT REFERENCES purchase (id);
CREATE UNIQUE INDEX membership_of_purchase ON membership (purchase_id) WHERE purchase_id IS NOT NULL;

ALTER TABLE coin_lot ADD COLUMN purchase_id TEXT REFERENCES purchase (id);
CREATE UNIQUE INDEX coin_lot_of_purchase ON coin_lot (purchase_id, kind) WHERE purchase_id IS NOT NULL;
