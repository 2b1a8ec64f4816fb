//! The API at its router: every answer as a client would see it, on a clock that the test moves.

mod accounts;
mod board;
mod catalogue;
mod cashier;
mod cinema;
mod console;
mod document;
mod events;
mod licence;
mod lock;
mod me;
mod merchandise;
mod operator_roles;
mod people;
mod placements;
mod plans;
mod progress;
mod purchases;
mod roles;
mod sales;
mod storefronts;
mod telemetry;
mod uploads;
mod vouchers;
mod wire;
