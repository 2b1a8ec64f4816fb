-- Version 9. What anybody may watch of a film is under keys of its own.

ALTER TABLE content_key RENAME TO content_key_of_version_8;

CREATE TABLE content_key (
    asset_id TEXT NOT NULL,
    track TEXT NOT NULL,
    scheme TEXT NOT NULL CHECK (scheme IN ('aes128', 'cbcs')),
    extent TEXT NOT NULL CHECK (extent IN ('film', 'preview')),
    id TEXT NOT NULL,
    wrapped TEXT NOT NULL,
    PRIMARY KEY (asset_id, track, scheme, extent)
);

INSERT INTO content_key (asset_id, track, scheme, extent, id, wrapped)
SELECT asset_id, track, scheme, 'film', id, wrapped FROM content_key_of_version_8;

DROP TABLE content_key_of_version_8;
