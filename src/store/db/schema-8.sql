-- Version 8. What contracts hold back.

CREATE TABLE holdback (
    id TEXT PRIMARY KEY,
    title_id TEXT NOT NULL REFERENCES title (id),
    -- All of it; JSON.
    body TEXT NOT NULL
);
CREATE INDEX holdback_of_title ON holdback (title_id);
