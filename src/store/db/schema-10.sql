-- Version 10. Coins, and the episodes that are had for them.

CREATE TABLE coin_lot (
    id TEXT PRIMARY KEY,
    viewer_id TEXT NOT NULL REFERENCES viewer (id),
    kind TEXT NOT NULL CHECK (kind IN ('paid', 'bonus')),
    coins BIGINT NOT NULL CHECK (coins > 0),
    -- What was paid for all of it.
    cost_minor BIGINT CHECK (cost_minor > 0),
    currency TEXT,
    expires_at BIGINT CHECK (expires_at > added_at),
    note TEXT NOT NULL,
    added_at BIGINT NOT NULL,
    void_at BIGINT,
    void_reason TEXT,
    livemode BIGINT NOT NULL CHECK (livemode IN (0, 1)),
    CHECK ((kind = 'paid') = (cost_minor IS NOT NULL)),
    CHECK ((cost_minor IS NULL) = (currency IS NULL))
);
CREATE INDEX coin_lot_of_viewer ON coin_lot (viewer_id, id);

CREATE TABLE episode_unlock (
    id TEXT PRIMARY KEY,
    viewer_id TEXT NOT NULL REFERENCES viewer (id),
    title_id TEXT NOT NULL REFERENCES title (id),
    part BIGINT NOT NULL CHECK (part > 0),
    avail_id TEXT NOT NULL REFERENCES avail (id),
    -- Zero where it was a reward.
    coins BIGINT NOT NULL CHECK (coins >= 0),
    unlocked_at BIGINT NOT NULL,
    livemode BIGINT NOT NULL CHECK (livemode IN (0, 1)),
    UNIQUE (viewer_id, title_id, part, livemode)
);
CREATE INDEX episode_unlock_of_title ON episode_unlock (title_id, part);

-- From which lots the coins of an unlock were taken.
CREATE TABLE coin_debit (
    unlock_id TEXT NOT NULL REFERENCES episode_unlock (id),
    lot_id TEXT NOT NULL REFERENCES coin_lot (id),
    coins BIGINT NOT NULL CHECK (coins > 0),
    PRIMARY KEY (unlock_id, lot_id)
);
CREATE INDEX coin_debit_of_lot ON coin_debit (lot_id);

-- Whether Play unlocks what the viewer has coins for, without asking each time.
ALTER TABLE viewer ADD COLUMN auto_unlock BIGINT NOT NULL DEFAULT 0;
