//! Three ports and their adapters: the database, the object store and the shared state. With `config` and `app` the
//! only room that names a backend.

pub mod blobs;
pub mod check;
pub mod db;
pub mod disk;
pub mod key;
pub mod state;
