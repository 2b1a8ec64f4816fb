-- Version 17. Which link somebody came by.

-- The word of a campaign, from the request that made the row.
ALTER TABLE purchase ADD COLUMN campaign TEXT;
ALTER TABLE session ADD COLUMN campaign TEXT;
CREATE INDEX session_of_campaign ON session (title_id, campaign) WHERE campaign IS NOT NULL;
