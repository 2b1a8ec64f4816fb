//! The API at its router: every answer as a client would see it, on a clock that the test moves.

mod accounts;
mod cinema;
mod document;
mod events;
mod purchases;
mod roles;
mod uploads;
mod wire;
