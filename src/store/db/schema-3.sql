-- Version 3. Tracks of one type may share the key that a key server made for them.

ALTER TABLE content_key RENAME TO content_key_of_version_2;

CREATE TABLE content_key (
    asset_id TEXT NOT NULL,
    track TEXT NOT NULL,
    scheme TEXT NOT NULL CHECK (scheme IN ('aes128', 'cbcs')),
    id TEXT NOT NULL,
    wrapped TEXT NOT NULL,
    PRIMARY KEY (asset_id, track, scheme)
);

INSERT INTO content_key (asset_id, track, scheme, id, wrapped)
SELECT asset_id, track, scheme, id, wrapped FROM content_key_of_version_2;

DROP TABLE content_key_of_version_2;
