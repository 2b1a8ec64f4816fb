-- Version 19, what SQLite says by making a table anew: constraints that no longer hold.

ALTER TABLE operator ADD COLUMN party_id TEXT REFERENCES party (id);
ALTER TABLE operator DROP CONSTRAINT operator_role_check;
ALTER TABLE operator ADD CHECK (role IN ('owner', 'operator', 'finance', 'read_only', 'party'));
ALTER TABLE operator ADD CHECK ((role = 'party') = (party_id IS NOT NULL));
