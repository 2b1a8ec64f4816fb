//! What can be played, as data: titles and the assets they are made of. Pure; no I/O and no clock.

pub mod asset;
pub mod collection;
pub mod compliance;
pub mod details;
pub mod episodes;
pub mod genre;
pub mod licence;
pub mod merchandise;
pub mod placement;
pub mod series;
pub mod production;
pub mod storefront;
pub mod thresholds;
pub mod title;
