//! Who watches, as far as this node hears of it: notes on their way to the database, who is present now, and the news
//! that consoles are told of at once. Nobody who plays or buys ever waits for any of it.

pub mod collector;
pub mod news;
pub mod presence;

use std::sync::Arc;

use prometheus_client::registry::Registry;

use crate::audience::collector::Collector;
use crate::audience::news::News;
use crate::audience::presence::Crowds;
use crate::base::clock::Clock;
use crate::store::db::Db;
use crate::store::state::State;

/// The three of them.
pub struct Audience {
    pub collector: Collector,
    pub crowds: Crowds,
    pub news: News,
}

impl Audience {
    /// Makes its counters in `registry`.
    pub fn new(db: Arc<dyn Db>, state: Arc<dyn State>, clock: Clock, registry: &mut Registry) -> Audience {
        Audience { collector: Collector::new(db, clock, registry), crowds: Crowds::new(state), news: News::new() }
    }
}
