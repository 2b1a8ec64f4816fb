-- Version 19, what SQLite cannot say of a table that is there: see version 12.

CREATE TABLE operator_of_version_19 (
    id TEXT PRIMARY KEY,
    -- The server's own operator has no address and no password.
    email TEXT,
    email_folded TEXT UNIQUE,
    name TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('owner', 'operator', 'finance', 'read_only', 'party')),
    -- Whose person it is, where not ours.
    party_id TEXT REFERENCES party (id),
    password_hash TEXT,
    created_at BIGINT NOT NULL,
    last_seen_at BIGINT,
    disabled_at BIGINT,
    CHECK ((email IS NULL) = (email_folded IS NULL)),
    CHECK (password_hash IS NULL OR email IS NOT NULL),
    CHECK ((role = 'party') = (party_id IS NOT NULL))
);
INSERT INTO operator_of_version_19 SELECT id, email, email_folded, name, role, NULL, password_hash, created_at,
    last_seen_at, disabled_at FROM operator;
DROP TABLE operator;
ALTER TABLE operator_of_version_19 RENAME TO operator;
