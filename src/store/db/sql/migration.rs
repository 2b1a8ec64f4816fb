//! Brings the schema of a database up to date.

use sqlx::{AssertSqlSafe, Executor, Row as _};

use super::{Connection, Dialect, error};
use crate::base::error::{Error, ErrorKind, Result};

/// Every version of the schema in order; what is here once is never edited, only followed.
const MIGRATIONS: &[(i64, &str)] = &[
    (1, include_str!("../schema.sql")),
    (2, include_str!("../schema-2.sql")),
    (3, include_str!("../schema-3.sql")),
    (4, include_str!("../schema-4.sql")),
    (5, include_str!("../schema-5.sql")),
    (6, include_str!("../schema-6.sql")),
    (7, include_str!("../schema-7.sql")),
    (8, include_str!("../schema-8.sql")),
    (9, include_str!("../schema-9.sql")),
    (10, include_str!("../schema-10.sql")),
    (11, include_str!("../schema-11.sql")),
    (12, include_str!("../schema-12.sql")),
    (13, include_str!("../schema-13.sql")),
    (14, include_str!("../schema-14.sql")),
    (15, include_str!("../schema-15.sql")),
    (16, include_str!("../schema-16.sql")),
    (17, include_str!("../schema-17.sql")),
    (18, include_str!("../schema-18.sql")),
    (19, include_str!("../schema-19.sql")),
    (20, include_str!("../schema-20.sql")),
    (21, include_str!("../schema-21.sql")),
    (22, include_str!("../schema-22.sql")),
    (23, include_str!("../schema-23.sql")),
];

pub async fn run(connection: &mut Connection, dialect: &Dialect) -> Result<()> {
    connection.execute(dialect.before_migrating()).await?;
    dialect.begin(connection).await?;
    let done = migrate(connection, dialect).await;
    connection.execute(if done.is_ok() { "COMMIT" } else { "ROLLBACK" }).await?;
    connection.execute(dialect.after_migrating()).await?;
    done
}

async fn migrate(connection: &mut Connection, dialect: &Dialect) -> Result<()> {
    let present = schema_version(connection, dialect).await?;
    let newest = MIGRATIONS.last().map_or(0, |migration| migration.0);
    if present > newest {
        return Err(Error::new(
            ErrorKind::Config,
            "SCHEMA_TOO_NEW",
            format!(
                "The database was written by a newer Marquee (schema {present}; this one knows {newest}). Start that version."
            ),
        ));
    }
    for (version, script) in MIGRATIONS.iter().filter(|migration| migration.0 > present) {
        sqlx::raw_sql(AssertSqlSafe(dialect.script(script))).execute(&mut *connection).await?;
        if let Some(own) = dialect.own_script(*version) {
            sqlx::raw_sql(AssertSqlSafe(dialect.script(own))).execute(&mut *connection).await?;
        }
        sqlx::query("INSERT INTO schema_version (version) VALUES ($1)").bind(version).execute(&mut *connection).await?;
    }
    if present < newest
        && let Some(dangling) = dialect.dangling()
        && let Some(row) = sqlx::query(dangling).fetch_optional(&mut *connection).await?
    {
        let table: String = row.try_get(0)?;
        return Err(error::corrupt("A row refers to one that is not there; restore the database from a backup.")
            .with_internal(format!("in {table}")));
    }
    Ok(())
}

/// The version the database has; zero for a new one. One that is somebody else's is not touched.
async fn schema_version(connection: &mut Connection, dialect: &Dialect) -> Result<i64> {
    let tables: Vec<String> = sqlx::query_scalar(dialect.tables()).fetch_all(&mut *connection).await?;
    if tables.is_empty() {
        sqlx::query("CREATE TABLE schema_version (version BIGINT PRIMARY KEY)").execute(&mut *connection).await?;
        return Ok(0);
    }
    if !tables.iter().any(|table| table == "schema_version") {
        return Err(error::corrupt("This is a database, but not one of Marquee's. Name another, or an empty one."));
    }
    let version: Option<i64> =
        sqlx::query_scalar("SELECT MAX(version) FROM schema_version").fetch_one(&mut *connection).await?;
    Ok(version.unwrap_or(0))
}
