-- Version 11. Other parties, what they may do with titles, and whose vouchers are.

CREATE TABLE party (
    id TEXT PRIMARY KEY,
    -- Of two parties neither signs as the other.
    issuer TEXT UNIQUE,
    -- All of it; JSON.
    body TEXT NOT NULL,
    version BIGINT NOT NULL CHECK (version > 0)
);

CREATE TABLE deal (
    id TEXT PRIMARY KEY,
    title_id TEXT NOT NULL REFERENCES title (id),
    party_id TEXT NOT NULL REFERENCES party (id),
    -- All of it; JSON.
    body TEXT NOT NULL
);
CREATE INDEX deal_of_title ON deal (title_id);
CREATE INDEX deal_of_party ON deal (party_id);

-- Who sells them, where it is not this server.
ALTER TABLE voucher_batch ADD COLUMN party_id TEXT REFERENCES party (id);
