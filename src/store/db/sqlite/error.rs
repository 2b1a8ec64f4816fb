//! What SQLite's and sqlx's errors mean to us: their kind is given here and nowhere else.

use sqlx::error::DatabaseError;

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

/// SQLite's primary result code, if it is its error at all.
pub fn result_code(error: &sqlx::Error) -> Option<i32> {
    extended_code(error.as_database_error()?).map(|code| code & 0xff)
}

/// After this error nobody knows what is on the disk: a write or an fsync of a commit failed.
pub fn leaves_the_disk_unknown(error: &sqlx::Error) -> bool {
    result_code(error) == Some(IOERR)
}

/// The file or its folder cannot be opened for writing.
pub fn is_not_writable(error: &sqlx::Error) -> bool {
    matches!(result_code(error), Some(READONLY | CANTOPEN | IOERR)) || matches!(error, sqlx::Error::Io(_))
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
    match extended_code(error).map(|code| code & 0xff) {
        Some(FULL) => Error::new(
            ErrorKind::StorageFull,
            "DISK_FULL",
            "The disk that holds the database is full; nothing was written. Make room and try again.",
        ),
        Some(BUSY | LOCKED) => busy(),
        Some(IOERR | CANTOPEN | READONLY) => unavailable(),
        Some(CORRUPT | NOTADB) => corrupt("The database file is damaged; restore it from a backup."),
        _ => Error::internal("the database refused a statement"),
    }
}

pub fn corrupt(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::CheckFailed, "DB_CORRUPT", message)
}

fn extended_code(error: &dyn DatabaseError) -> Option<i32> {
    error.code()?.parse().ok()
}
