-- Version 13. What of a film a window lets be seen and heard.

-- Which languages are allowed or held back; JSON. All may be had where it is null.
ALTER TABLE avail ADD COLUMN languages TEXT;
-- The tallest picture.
ALTER TABLE avail ADD COLUMN format_profile TEXT NOT NULL DEFAULT 'uhd' CHECK (format_profile IN ('sd', 'hd', 'uhd'));
