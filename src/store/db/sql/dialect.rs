//! What SQLite and PostgreSQL say in words of their own.

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{AnyPool, ConnectOptions, Executor};

use super::Connection;
use crate::base::limits;

/// A database, and how it is spoken to.
#[derive(Clone, Debug)]
pub enum Dialect {
    Sqlite(AnyConnectOptions),
    Postgres(AnyConnectOptions),
}

impl Dialect {
    /// The connection that writes.
    pub async fn connect(&self) -> sqlx::Result<Connection> {
        let mut connection = self.options().connect().await?;
        connection.execute(self.before_writing()).await?;
        Ok(connection)
    }

    /// Connections that cannot write.
    pub async fn readers(&self) -> sqlx::Result<AnyPool> {
        let before = self.before_reading();
        AnyPoolOptions::new()
            .max_connections(limits::DB_READERS)
            .acquire_timeout(limits::DB_BUSY_TIMEOUT)
            .after_connect(move |connection, _| Box::pin(async move { connection.execute(before).await.map(|_| ()) }))
            .connect_with(self.options().clone())
            .await
    }

    /// Begins a transaction in which nobody else writes.
    pub async fn begin(&self, connection: &mut Connection) -> sqlx::Result<()> {
        let begin = match self {
            Dialect::Sqlite(_) => "BEGIN IMMEDIATE",
            // Whoever holds this lock writes, on whichever node: "marquee" in ASCII.
            Dialect::Postgres(_) => "BEGIN; SELECT pg_advisory_xact_lock(30795699116860773)",
        };
        connection.execute(begin).await.map(|_| ())
    }

    /// What is to be done after many writes; nothing where the database sees to it itself.
    pub fn checkpoint(&self) -> Option<&'static str> {
        match self {
            Dialect::Sqlite(_) => Some("PRAGMA wal_checkpoint(PASSIVE)"),
            Dialect::Postgres(_) => None,
        }
    }

    /// A server may go and come back; a file does not.
    pub fn reconnects(&self) -> bool {
        matches!(self, Dialect::Postgres(_))
    }

    /// Gives one text.
    pub fn version(&self) -> &'static str {
        match self {
            Dialect::Sqlite(_) => "SELECT 'SQLite ' || sqlite_version()",
            Dialect::Postgres(_) => "SELECT 'PostgreSQL ' || current_setting('server_version')",
        }
    }

    /// Gives the names of all tables.
    pub fn tables(&self) -> &'static str {
        match self {
            Dialect::Sqlite(_) => "SELECT name FROM sqlite_master WHERE type = 'table'",
            Dialect::Postgres(_) => "SELECT CAST(tablename AS TEXT) FROM pg_tables WHERE schemaname = current_schema()",
        }
    }

    /// A script of the schema. Text is compared byte by byte, whatever the locale of the database.
    pub fn script(&self, portable: &str) -> String {
        match self {
            Dialect::Sqlite(_) => portable.to_owned(),
            Dialect::Postgres(_) => portable.replace(" TEXT", " TEXT COLLATE \"C\""),
        }
    }

    /// What of a version of the schema is in words of the database's own, and follows the rest: in the first what keeps
    /// the journals append-only, whoever asks; in later ones what is changed about tables that are there.
    pub fn own_script(&self, version: i64) -> Option<&'static str> {
        match (version, self) {
            (1, Dialect::Sqlite(_)) => Some(include_str!("../sqlite/guards.sql")),
            (1, Dialect::Postgres(_)) => Some(include_str!("../postgres/guards.sql")),
            (12, Dialect::Sqlite(_)) => Some(include_str!("../sqlite/schema-12.sql")),
            (12, Dialect::Postgres(_)) => Some(include_str!("../postgres/schema-12.sql")),
            (19, Dialect::Sqlite(_)) => Some(include_str!("../sqlite/schema-19.sql")),
            (19, Dialect::Postgres(_)) => Some(include_str!("../postgres/schema-19.sql")),
            _ => None,
        }
    }

    /// SQLite changes a constraint by making its table anew, and must not look at what refers to it meanwhile.
    pub fn before_migrating(&self) -> &'static str {
        match self {
            Dialect::Sqlite(_) => "PRAGMA foreign_keys = OFF",
            Dialect::Postgres(_) => "",
        }
    }

    pub fn after_migrating(&self) -> &'static str {
        match self {
            Dialect::Sqlite(_) => "PRAGMA foreign_keys = ON",
            Dialect::Postgres(_) => "",
        }
    }

    /// Gives a row for each that refers to none, where nobody has looked while migrating.
    pub fn dangling(&self) -> Option<&'static str> {
        match self {
            Dialect::Sqlite(_) => Some("PRAGMA foreign_key_check"),
            Dialect::Postgres(_) => None,
        }
    }

    fn options(&self) -> &AnyConnectOptions {
        match self {
            Dialect::Sqlite(options) | Dialect::Postgres(options) => options,
        }
    }

    fn before_writing(&self) -> &'static str {
        match self {
            // The writer takes its checkpoints itself, so that a failed fsync of one is seen.
            Dialect::Sqlite(_) => {
                "PRAGMA busy_timeout = 5000; PRAGMA foreign_keys = ON; PRAGMA journal_mode = WAL; \
                 PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0"
            }
            // A node that hangs while it writes must not hold up the others for good.
            Dialect::Postgres(_) => {
                "SET synchronous_commit = on; SET lock_timeout = '5s'; SET idle_in_transaction_session_timeout = '10s'"
            }
        }
    }

    fn before_reading(&self) -> &'static str {
        match self {
            Dialect::Sqlite(_) => "PRAGMA busy_timeout = 5000; PRAGMA query_only = ON",
            // What is read in one transaction is of one moment, as it is in SQLite.
            Dialect::Postgres(_) => {
                "SET default_transaction_read_only = on; SET default_transaction_isolation = 'repeatable read'"
            }
        }
    }
}
