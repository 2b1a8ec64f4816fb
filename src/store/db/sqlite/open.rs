//! Opens connections and brings the schema up to date.

use std::path::Path;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection as _, SqlitePool};

use super::Connection;
use super::error::{self, is_not_writable};
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::limits;

/// Every version of the schema in order; what is here once is never edited, only followed.
const MIGRATIONS: &[(i64, &[&str])] = &[
    (1, &[include_str!("../schema.sql"), include_str!("guards.sql")]),
    (2, &[include_str!("../schema-2.sql")]),
    (3, &[include_str!("../schema-3.sql")]),
    (4, &[include_str!("../schema-4.sql")]),
    (5, &[include_str!("../schema-5.sql")]),
    (6, &[include_str!("../schema-6.sql")]),
    (7, &[include_str!("../schema-7.sql")]),
];

/// The one connection that writes, on a database of the present schema.
pub async fn writer(path: &Path) -> Result<Connection> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(|error| not_writable(folder).with_source(error))?;
    }
    // The writer takes its checkpoints itself, so that a failed fsync of one is seen.
    let options = options(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("wal_autocheckpoint", "0");
    let mut connection = options.connect().await.map_err(|error| cannot_open(path, error))?;
    migrate(&mut connection, path).await?;
    Ok(connection)
}

/// The connections that read, which cannot write.
pub async fn readers(path: &Path) -> Result<SqlitePool> {
    SqlitePoolOptions::new()
        .max_connections(limits::DB_READERS)
        .acquire_timeout(limits::DB_BUSY_TIMEOUT)
        .connect_with(options(path).pragma("query_only", "ON"))
        .await
        .map_err(|error| cannot_open(path, error))
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new().filename(path).foreign_keys(true).busy_timeout(limits::DB_BUSY_TIMEOUT)
}

async fn migrate(connection: &mut Connection, path: &Path) -> Result<()> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(|error| cannot_open(path, error))?;
    let present = schema_version(&mut transaction, path).await?;
    let newest = MIGRATIONS.last().map_or(0, |migration| migration.0);
    if present > newest {
        return Err(Error::new(
            ErrorKind::Config,
            "SCHEMA_TOO_NEW",
            format!(
                "{} was written by a newer Marquee (schema {present}; this one knows {newest}). Start that version.",
                path.display()
            ),
        ));
    }
    for (version, scripts) in MIGRATIONS.iter().filter(|migration| migration.0 > present) {
        for script in *scripts {
            sqlx::raw_sql(*script).execute(&mut *transaction).await?;
        }
        sqlx::query("INSERT INTO schema_version (version) VALUES ($1)")
            .bind(version)
            .execute(&mut *transaction)
            .await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// The version the file has; zero for a new one. A database that is somebody else's is not touched.
async fn schema_version(connection: &mut Connection, path: &Path) -> Result<i64> {
    let tables: Vec<String> = sqlx::query_scalar("SELECT name FROM sqlite_master WHERE type = 'table'")
        .fetch_all(&mut *connection)
        .await
        .map_err(|error| cannot_open(path, error))?;
    if tables.is_empty() {
        sqlx::query("CREATE TABLE schema_version (version BIGINT PRIMARY KEY)").execute(&mut *connection).await?;
        return Ok(0);
    }
    if !tables.iter().any(|table| table == "schema_version") {
        return Err(error::corrupt(format!("{} is a database, but not one of Marquee's.", path.display())));
    }
    let version: Option<i64> =
        sqlx::query_scalar("SELECT MAX(version) FROM schema_version").fetch_one(&mut *connection).await?;
    Ok(version.unwrap_or(0))
}

fn cannot_open(path: &Path, error: sqlx::Error) -> Error {
    if is_not_writable(&error) {
        return not_writable(path).with_source(error);
    }
    let general = Error::from(error);
    if general.code() == "DB_CORRUPT" {
        let message = format!("{} is not a database, or it is damaged. Restore it from a backup.", path.display());
        return error::corrupt(message).with_source(general);
    }
    general
}

fn not_writable(path: &Path) -> Error {
    Error::new(
        ErrorKind::Config,
        "DATA_NOT_WRITABLE",
        format!("{} cannot be written. Check the owner and the rights of the data folder.", path.display()),
    )
}
