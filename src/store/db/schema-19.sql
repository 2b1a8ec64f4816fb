-- Version 19. People of other parties have accounts of their own at the console's door, and see the vouchers that their
-- party sells.

CREATE INDEX voucher_batch_of_party ON voucher_batch (party_id, id);
