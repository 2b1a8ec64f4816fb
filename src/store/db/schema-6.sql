-- Version 6. A job makes an asset of an uploaded film, or the release card of a film.

ALTER TABLE job RENAME TO job_of_version_5;

CREATE TABLE job (
    id TEXT PRIMARY KEY,
    upload_id TEXT,
    -- What the card is made of; JSON.
    card TEXT,
    source_name TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('queued', 'running', 'done', 'failed')),
    progress_permille BIGINT NOT NULL CHECK (progress_permille BETWEEN 0 AND 1000),
    created_at BIGINT NOT NULL,
    finished_at BIGINT,
    node TEXT,
    lease_until BIGINT,
    asset_id TEXT,
    failure_code TEXT,
    failure_message TEXT,
    -- Where it is, for whoever waits for it; JSON.
    stage TEXT,
    CHECK ((upload_id IS NULL) <> (card IS NULL))
);

INSERT INTO job (id, upload_id, source_name, status, progress_permille, created_at, finished_at, node, lease_until,
    asset_id, failure_code, failure_message, stage)
SELECT id, upload_id, source_name, status, progress_permille, created_at, finished_at, node, lease_until, asset_id,
    failure_code, failure_message, stage
FROM job_of_version_5;

DROP TABLE job_of_version_5;

CREATE INDEX job_by_end ON job (finished_at);
CREATE INDEX job_unfinished ON job (id) WHERE status IN ('queued', 'running');
CREATE INDEX job_of_card ON job (card, id) WHERE card IS NOT NULL;
