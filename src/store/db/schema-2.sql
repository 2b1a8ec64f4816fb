-- Version 2. A track has a key for each scheme that it is sealed with: who is handed the one cannot open the other.

ALTER TABLE content_key RENAME TO content_key_of_version_1;

CREATE TABLE content_key (
    asset_id TEXT NOT NULL,
    track TEXT NOT NULL,
    scheme TEXT NOT NULL CHECK (scheme IN ('aes128', 'cbcs')),
    id TEXT NOT NULL UNIQUE,
    wrapped TEXT NOT NULL,
    PRIMARY KEY (asset_id, track, scheme)
);

INSERT INTO content_key (asset_id, track, scheme, id, wrapped)
SELECT asset_id, track, 'aes128', id, wrapped FROM content_key_of_version_1;

DROP TABLE content_key_of_version_1;
