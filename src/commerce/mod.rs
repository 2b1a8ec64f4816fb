//! Selling: who buys, purchases through a payment provider, refunds, the callbacks in between, vouchers, episodes for
//! coins, what partners sign, and the keys of what was sent to them.

pub mod account;
pub mod checkout;
pub mod entitlement_hook;
pub mod package_keys;
pub mod partners;
pub mod password;
pub mod provider;
pub mod quotes;
pub mod rates;
pub mod sandbox;
pub mod unlocks;
pub mod voucher;
