-- Version 8. What contracts hold back; grants that last until members have the title.

CREATE TABLE holdback (
    id TEXT PRIMARY KEY,
    title_id TEXT NOT NULL REFERENCES title (id),
    -- All of it; JSON.
    body TEXT NOT NULL
);
CREATE INDEX holdback_of_title ON holdback (title_id);

-- Whether its clock ends when members have the title, and needs a membership until then.
ALTER TABLE offer ADD COLUMN until_members BIGINT NOT NULL DEFAULT 0;
ALTER TABLE viewer_grant ADD COLUMN until_members BIGINT NOT NULL DEFAULT 0;
