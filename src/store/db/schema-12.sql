-- Version 12. What is sold besides a title's offers, and coupons. What it does to the tables that are there stands in a
-- page of each backend's own, which follows.

CREATE TABLE product (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('membership', 'coins', 'bundle')),
    -- All of it; JSON.
    body TEXT NOT NULL
);

-- The offers that a bundle is made of.
CREATE TABLE bundle_offer (
    product_id TEXT NOT NULL REFERENCES product (id),
    line BIGINT NOT NULL CHECK (line >= 0),
    offer_id TEXT NOT NULL REFERENCES offer (id),
    PRIMARY KEY (product_id, line)
);
CREATE INDEX bundle_offer_of_offer ON bundle_offer (offer_id);

CREATE TABLE coupon (
    id TEXT PRIMARY KEY,
    -- In upper case, as it is compared.
    code TEXT NOT NULL UNIQUE,
    -- All of it; JSON.
    body TEXT NOT NULL
);
