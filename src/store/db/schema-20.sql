-- Version 20. Which files a party was sent under its deal, and what it said of them; collections of titles.

CREATE TABLE delivery (
    id TEXT PRIMARY KEY,
    deal_id TEXT NOT NULL REFERENCES deal (id),
    part BIGINT NOT NULL CHECK (part > 0),
    sent_at BIGINT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('sent', 'accepted', 'rejected', 'recalled')),
    -- What was sent; JSON. It never changes.
    body TEXT NOT NULL,
    -- What the party said of it; JSON.
    answer TEXT,
    -- That it is not to be used; JSON.
    recall TEXT
);
CREATE INDEX delivery_of_deal ON delivery (deal_id, id);

CREATE TABLE collection (
    id TEXT PRIMARY KEY,
    -- All of it; JSON.
    body TEXT NOT NULL,
    version BIGINT NOT NULL CHECK (version > 0)
);
