-- Version 14. Invited viewers, locks of viewers' accounts, clicks on merchandise.

CREATE TABLE screener (
    id TEXT PRIMARY KEY,
    title_id TEXT NOT NULL REFERENCES title (id),
    viewer_id TEXT NOT NULL REFERENCES viewer (id),
    -- All of it; JSON.
    body TEXT NOT NULL
);
CREATE INDEX screener_of_title ON screener (title_id);
CREATE INDEX screener_of_viewer ON screener (viewer_id);

-- What of the house a viewer's account plays without being asked for a PIN.
CREATE TABLE viewer_lock (
    viewer_id TEXT PRIMARY KEY REFERENCES viewer (id),
    pin_hash TEXT NOT NULL,
    age_limit BIGINT NOT NULL CHECK (age_limit BETWEEN 0 AND 17),
    -- Tries since the last right one.
    tries BIGINT NOT NULL,
    locked_until BIGINT
);

-- How often whoever looked at a title went on to the shop of its merchandise.
CREATE TABLE merchandise_click (
    title_id TEXT NOT NULL REFERENCES title (id),
    sku TEXT NOT NULL,
    -- Midnight of a day in UTC.
    day BIGINT NOT NULL,
    -- Empty where nobody said one.
    campaign TEXT NOT NULL,
    clicks BIGINT NOT NULL,
    PRIMARY KEY (title_id, sku, day, campaign)
);
