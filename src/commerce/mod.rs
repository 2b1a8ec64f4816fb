//! Selling: who buys, purchases through a payment provider, refunds, the callbacks in between, vouchers, episodes for
//! coins, and what partners sign.

pub mod account;
pub mod checkout;
pub mod partners;
pub mod password;
pub mod provider;
pub mod quotes;
pub mod rates;
pub mod sandbox;
pub mod unlocks;
pub mod voucher;
