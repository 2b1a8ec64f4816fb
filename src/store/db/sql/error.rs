//! What the errors of SQLite, PostgreSQL and sqlx mean to us: their kind is given here and nowhere else.

use sqlx::error::DatabaseError;
use sqlx::postgres::PgDatabaseError;
use sqlx::sqlite::SqliteError;

use crate::base::error::{Error, ErrorKind};

const BUSY: i32 = 5;
const LOCKED: i32 = 6;
const READONLY: i32 = 8;
const IOERR: i32 = 10;
const CORRUPT: i32 = 11;
const FULL: i32 = 13;
const CANTOPEN: i32 = 14;
const NOTADB: i32 = 26;

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Error {
        match &error {
            sqlx::Error::Database(database) => from_database(database.as_ref()).with_source(error),
            sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => closed().with_source(error),
            sqlx::Error::PoolTimedOut => busy().with_source(error),
            sqlx::Error::Io(_) => unavailable().with_source(error),
            _ => Error::internal("a statement failed").with_source(error),
        }
    }
}

/// After this error nobody knows what is on the disk: a write or an fsync of a commit to a file of ours failed.
pub fn leaves_the_disk_unknown(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(result_code) == Some(IOERR)
}

/// Two rows with one unique key.
pub fn is_unique_violation(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(DatabaseError::is_unique_violation)
}

pub fn busy() -> Error {
    Error::new(ErrorKind::Unavailable, "DB_BUSY", "The server is busy; try again in a moment.")
}

pub fn closed() -> Error {
    Error::new(ErrorKind::Unavailable, "DB_CLOSED", "The server is shutting down; try again in a moment.")
}

fn unavailable() -> Error {
    Error::new(ErrorKind::Unavailable, "DB_UNAVAILABLE", "The database does not answer; try again in a moment.")
}

fn from_database(error: &dyn DatabaseError) -> Error {
    if error.is_unique_violation() {
        return Error::new(ErrorKind::Conflict, "ALREADY_EXISTS", "Something with this id or name exists already.");
    }
    if error.is_foreign_key_violation() {
        return Error::new(
            ErrorKind::Unprocessable,
            "REFERENCE_UNKNOWN",
            "It refers to something that does not exist.",
        );
    }
    let meaning = match (result_code(error), error.try_downcast_ref::<PgDatabaseError>().map(PgDatabaseError::code)) {
        (Some(code), _) => meaning_in_sqlite(code),
        (_, Some(state)) => meaning_in_postgres(state),
        _ => None,
    };
    match meaning {
        Some(Meaning::Full) => Error::new(
            ErrorKind::StorageFull,
            "DISK_FULL",
            "The disk that holds the database is full; nothing was written. Make room and try again.",
        ),
        Some(Meaning::Busy) => busy(),
        Some(Meaning::Unavailable) => unavailable(),
        Some(Meaning::Corrupt) => corrupt("The database is damaged; restore it from a backup."),
        None => Error::internal("the database refused a statement"),
    }
}

enum Meaning {
    Full,
    Busy,
    Unavailable,
    Corrupt,
}

fn meaning_in_sqlite(code: i32) -> Option<Meaning> {
    match code {
        FULL => Some(Meaning::Full),
        BUSY | LOCKED => Some(Meaning::Busy),
        IOERR | CANTOPEN | READONLY => Some(Meaning::Unavailable),
        CORRUPT | NOTADB => Some(Meaning::Corrupt),
        _ => None,
    }
}

/// By SQLSTATE (PostgreSQL 15, appendix A).
fn meaning_in_postgres(state: &str) -> Option<Meaning> {
    match state {
        "53100" => Some(Meaning::Full),
        // A deadlock, a lock that does not come, a serialization failure, too many connections.
        "40P01" | "55P03" | "40001" | "53300" => Some(Meaning::Busy),
        "XX001" | "XX002" => Some(Meaning::Corrupt),
        // A standby that was promoted elsewhere, or a server whose transaction ended by itself.
        "25006" | "25P03" => Some(Meaning::Unavailable),
        // Connections, who may connect, a server that stops or starts, its disk.
        _ if ["08", "28", "3D", "57", "58"].iter().any(|class| state.starts_with(class)) => Some(Meaning::Unavailable),
        _ => None,
    }
}

pub fn corrupt(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::CheckFailed, "DB_CORRUPT", message)
}

/// SQLite's primary result code, if it is its error at all.
fn result_code(error: &dyn DatabaseError) -> Option<i32> {
    let extended: i32 = error.try_downcast_ref::<SqliteError>()?.code()?.parse().ok()?;
    Some(extended & 0xff)
}
