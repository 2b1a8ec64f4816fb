//! HTTP: listeners with every limit in place, the strict request gate, bodies, ranges and answers. Generic: knows
//! nothing of films. Uses only `base`.
//!
//! From the socket to a handler and back: `listener` accepts, `connection` drives, `strict` (behind `gate`) frames
//! HTTP/1 and `frames` meters HTTP/2, `watch` keeps the time, `service` calls the handler, `body` leaves. Handlers
//! answer with `entity` and `respond`. `outbound` is the other way: what is asked of servers of others.

pub mod body;
mod connection;
pub mod entity;
mod frames;
mod gate;
pub mod host;
pub mod limits;
pub mod listener;
pub mod outbound;
pub mod peer;
pub mod range;
pub mod refusal;
pub mod respond;
pub mod service;
mod strict;
mod target;
pub mod tls;
mod watch;
