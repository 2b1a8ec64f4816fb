-- Version 17. Which link somebody came by; product placement.

-- The word of a campaign, from the request that made the row.
ALTER TABLE purchase ADD COLUMN campaign TEXT;
ALTER TABLE session ADD COLUMN campaign TEXT;
CREATE INDEX session_of_campaign ON session (title_id, campaign) WHERE campaign IS NOT NULL;

-- Which categories of product placement may not be shown where: one row.
CREATE TABLE placement_blocks (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    -- JSON.
    body TEXT NOT NULL,
    version BIGINT NOT NULL CHECK (version > 0)
);
