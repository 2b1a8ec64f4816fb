-- Version 18. Outages, and what each has given back to whom.

CREATE TABLE outage (
    id TEXT PRIMARY KEY,
    -- NULL: our own.
    party_id TEXT REFERENCES party (id),
    from_at BIGINT NOT NULL,
    to_at BIGINT NOT NULL CHECK (to_at > from_at),
    -- Of viewers of the party's: sessions that go on for longer.
    sessions BIGINT NOT NULL CHECK (sessions >= 0),
    -- All of it; JSON.
    body TEXT NOT NULL
);
CREATE INDEX outage_by_end ON outage (to_at);

-- Each grant that an outage met, also where there was no room for more.
CREATE TABLE outage_extension (
    outage_id TEXT NOT NULL REFERENCES outage (id),
    grant_id TEXT NOT NULL REFERENCES viewer_grant (id),
    extended_ms BIGINT NOT NULL CHECK (extended_ms >= 0),
    -- It was the time to start in that was extended.
    is_of_start BIGINT NOT NULL CHECK (is_of_start IN (0, 1)),
    -- When it was recorded, less was left than the film is long.
    is_short BIGINT NOT NULL CHECK (is_short IN (0, 1)),
    PRIMARY KEY (outage_id, grant_id)
);
CREATE INDEX outage_extension_of_grant ON outage_extension (grant_id);

ALTER TABLE viewer_grant ADD COLUMN extended_ms BIGINT NOT NULL DEFAULT 0;
ALTER TABLE viewer_grant ADD COLUMN start_extended_ms BIGINT NOT NULL DEFAULT 0;
