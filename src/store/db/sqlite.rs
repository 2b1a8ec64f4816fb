//! The embedded database: one SQLite file in WAL mode with `synchronous=FULL`.

use std::path::Path;

use sqlx::ConnectOptions;
use sqlx::any::AnyConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;

use crate::base::error::{Error, ErrorKind, Result};
use crate::store::db::sql::{Dialect, SqlDb};

/// Opens the database at `path` and brings its schema up to date; makes folder and file when there are none.
///
/// `Config`: `DATA_NOT_WRITABLE`, `SCHEMA_TOO_NEW`. `CheckFailed`: `DB_CORRUPT` (not a database, or not ours).
pub async fn open(path: &Path) -> Result<SqlDb> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(|error| not_writable(folder).with_source(error))?;
    }
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
    sqlx::any::install_default_drivers();
    let options = AnyConnectOptions::from_url(&options.to_url_lossy())?;
    SqlDb::open(Dialect::Sqlite(options)).await.map_err(|error| match error.code() {
        "DB_UNAVAILABLE" => not_writable(path).with_source(error),
        "DB_CORRUPT" => {
            let message =
                format!("{} is not a database of Marquee's, or damaged. Restore it from a backup.", path.display());
            Error::new(ErrorKind::CheckFailed, "DB_CORRUPT", message).with_source(error)
        }
        _ => error,
    })
}

fn not_writable(path: &Path) -> Error {
    Error::new(
        ErrorKind::Config,
        "DATA_NOT_WRITABLE",
        format!("{} cannot be written. Check the owner and the rights of the data folder.", path.display()),
    )
}
