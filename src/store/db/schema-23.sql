-- Version 23. Who pays for what a coupon took off a purchase. Until now it was the platform.

ALTER TABLE purchase ADD COLUMN discount_funded_by TEXT
    CHECK (discount_funded_by IS NULL OR discount_funded_by IN ('platform', 'producer'));
UPDATE purchase SET discount_funded_by = 'platform' WHERE coupon_id IS NOT NULL;
