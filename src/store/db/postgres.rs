//! A database of PostgreSQL, which several nodes may share.

use std::str::FromStr;

use sqlx::any::AnyConnectOptions;

use crate::base::error::{Error, ErrorKind, Result};
use crate::store::db::sql::{Dialect, SqlDb};

/// Opens the database that `url` names (`postgres://user:password@host/name`) and brings its schema up to date.
///
/// `Config`: `DB_URL_INVALID`, `SCHEMA_TOO_NEW`. `CheckFailed`: `DB_CORRUPT` (not ours). `Unavailable`: `DB_UNAVAILABLE`.
pub async fn open(url: &str) -> Result<SqlDb> {
    let invalid = || {
        let message = "The address of the database is none of PostgreSQL's. Write postgres://USER:PASSWORD@HOST/NAME.";
        Error::new(ErrorKind::Config, "DB_URL_INVALID", message)
    };
    if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
        return Err(invalid());
    }
    let options = AnyConnectOptions::from_str(url).map_err(|error| invalid().with_source(error))?;
    sqlx::any::install_default_drivers();
    SqlDb::open(Dialect::Postgres(options)).await
}
