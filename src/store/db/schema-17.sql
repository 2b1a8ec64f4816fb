-- Version 17. Which link somebody came by; product placement; seasons of a series.

-- The word of a campaign, from the request that made the row.
ALTER TABLE purchase ADD COLUMN campaign TEXT;
ALTER TABLE session ADD COLUMN campaign TEXT;
-- The words by which somebody came to a title, as far as there is room for them.
CREATE TABLE campaign_word (
    title_id TEXT NOT NULL REFERENCES title (id),
    word TEXT NOT NULL,
    PRIMARY KEY (title_id, word)
);
CREATE INDEX session_of_campaign ON session (title_id, campaign) WHERE campaign IS NOT NULL;

-- Which categories of product placement may not be shown where: one row.
CREATE TABLE placement_blocks (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    -- JSON.
    body TEXT NOT NULL,
    version BIGINT NOT NULL CHECK (version > 0)
);

CREATE TABLE series (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    synopsis TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    version BIGINT NOT NULL CHECK (version > 0)
);

-- As the title's details say it: which season of which series it is.
ALTER TABLE title ADD COLUMN series_id TEXT REFERENCES series (id);
ALTER TABLE title ADD COLUMN season BIGINT CHECK (season BETWEEN 1 AND 999);
CREATE UNIQUE INDEX title_of_series ON title (series_id, season) WHERE series_id IS NOT NULL;
