-- Version 15. Where a viewer lives, where that has been verified; JSON.

ALTER TABLE viewer ADD COLUMN home TEXT;
