-- Version 5. An asset can be there before all of it is: what its job has made so far can be played. The fingerprint is
-- that of its beginning; a complete asset has none.

ALTER TABLE asset ADD COLUMN partial_fingerprint TEXT;
