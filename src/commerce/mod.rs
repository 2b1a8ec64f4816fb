//! Selling: who buys, purchases through a payment provider, refunds, the callbacks in between, vouchers, and episodes for coins.

pub mod account;
pub mod checkout;
pub mod password;
pub mod provider;
pub mod rates;
pub mod sandbox;
pub mod unlocks;
pub mod voucher;
