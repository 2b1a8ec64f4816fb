-- Version 4. Release cards: which asset is the card of what, and which sessions play one first.

ALTER TABLE asset ADD COLUMN card TEXT;
CREATE UNIQUE INDEX asset_card ON asset (card) WHERE card IS NOT NULL;

ALTER TABLE session ADD COLUMN card_asset_id TEXT;
ALTER TABLE session ADD COLUMN card_ms BIGINT CHECK (card_ms > 0);
