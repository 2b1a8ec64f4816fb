-- Version 16. Keys of packages that are shipped to partners before a premiere, under the master key in base64.

CREATE TABLE package_key (
    deal_id TEXT PRIMARY KEY REFERENCES deal (id),
    package TEXT NOT NULL,
    wrapped TEXT NOT NULL,
    kept_at BIGINT NOT NULL,
    taken_at BIGINT
);
