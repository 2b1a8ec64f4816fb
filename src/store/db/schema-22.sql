-- Version 22. A viewer's sign-in that has watched by a right of the account's is one of its devices, from this instant on.

ALTER TABLE api_token ADD COLUMN registered_at BIGINT;
