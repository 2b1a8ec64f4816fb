-- Version 7. Files of sound and subtitles are uploaded beside a film.

-- Of such a file its kind and language; JSON. It makes no job of its own.
ALTER TABLE upload ADD COLUMN sidecar TEXT;
-- Of a film the uploads of the files beside it; JSON.
ALTER TABLE upload ADD COLUMN beside TEXT NOT NULL DEFAULT '[]';
