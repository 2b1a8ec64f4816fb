//! The double-entry journal: what money moved, why, and the rules that write it. Pure; no I/O and no clock.
//!
//! Entries are immutable; postings of an entry sum to zero in each currency; a correction is a new entry.

pub mod chain;
pub mod coupon;
pub mod entry;
pub mod purchase;
pub mod refund_rule;
pub mod rules;
pub mod wallet;
