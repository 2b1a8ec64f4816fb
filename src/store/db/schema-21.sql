-- Version 21. When before the end of its window an offer is sold no more; why a payment was not kept; what a buyer agreed to.

ALTER TABLE offer ADD COLUMN sales_cutoff_ms BIGINT NOT NULL DEFAULT 0 CHECK (sales_cutoff_ms >= 0);

-- Of a purchase that expired although it was paid for.
ALTER TABLE purchase ADD COLUMN closed_because TEXT
    CHECK (closed_because IS NULL OR closed_because IN ('members_have_it', 'member_price_changed', 'membership_ended'));
CREATE INDEX purchase_not_kept ON purchase (id) WHERE closed_because IS NOT NULL;
-- From when members would have it without paying, as the buyer was told and agreed.
ALTER TABLE purchase ADD COLUMN accepted_members_from_at BIGINT;
