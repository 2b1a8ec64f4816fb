//! Who may watch what, where, when and at which price, as data and pure functions over it. No I/O and no clock: "now"
//! is always an argument.

pub mod avail;
pub mod avails_document;
pub mod caps;
pub mod clearance;
pub mod conflict;
pub mod deal;
pub mod denial;
pub mod entitlement;
pub mod episode;
pub mod external;
pub mod grant;
pub mod heard;
pub mod holdback;
pub mod language_range;
pub mod language_terms;
pub mod membership;
pub mod offer;
pub mod outage;
pub mod partner_pass;
pub mod party;
pub mod plan;
pub mod portability;
pub mod product;
pub mod reach;
pub mod release_dates;
pub mod remedy;
pub mod sale;
pub mod screener;
pub mod session;
pub mod snapshot;
pub mod teaser;
pub mod trace;
pub mod unlock;
pub mod voucher;
pub mod window;
