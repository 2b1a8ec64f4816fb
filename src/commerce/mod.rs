//! Selling: who buys, purchases through a payment provider, refunds, and the callbacks in between.

pub mod account;
pub mod checkout;
pub mod password;
pub mod provider;
pub mod rates;
pub mod sandbox;
