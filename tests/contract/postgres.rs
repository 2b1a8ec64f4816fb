//! What is PostgreSQL's own: addresses, foreign databases, nodes that write at once, connections that are cut.

use std::sync::Arc;

use marquee::base::error::ErrorKind;
use marquee::store::db::{AuditDb, Db, postgres};
use sqlx::{Connection, PgConnection};

use crate::postgres_server::PostgresServer;
use crate::scene::audit_line;

async fn raw(url: &str, sql: &'static str) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

#[tokio::test]
async fn what_cannot_be_opened_says_why() {
    let server = PostgresServer::of_this_process();
    let open = async |url: &str| {
        let error = postgres::open(url).await.err().expect("it must not open");
        (error.kind(), error.code())
    };
    for url in ["", "marquee", "mysql://localhost/marquee", "postgres://localhost:port/marquee"] {
        assert_eq!(open(url).await, (ErrorKind::Config, "DB_URL_INVALID"), "{url}");
    }
    assert_eq!(open("postgres://marquee@127.0.0.1:1/marquee").await, (ErrorKind::Unavailable, "DB_UNAVAILABLE"));
    assert_eq!(open(&server.url("no_such")).await, (ErrorKind::Unavailable, "DB_UNAVAILABLE"));

    let foreign = server.new_database().await;
    raw(&foreign, "CREATE TABLE somebody_elses (a INT)").await;
    assert_eq!(open(&foreign).await, (ErrorKind::CheckFailed, "DB_CORRUPT"));

    let newer = server.new_database().await;
    postgres::open(&newer).await.unwrap().close().await;
    raw(&newer, "INSERT INTO schema_version (version) VALUES (999)").await;
    assert_eq!(open(&newer).await, (ErrorKind::Config, "SCHEMA_TOO_NEW"));
}

/// The schema is made once, and the chain of the log has no fork and no gap.
#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_write_at_once_write_one_after_the_other() {
    let url = PostgresServer::of_this_process().new_database().await;
    let (one, two) = tokio::join!(postgres::open(&url), postgres::open(&url));
    let nodes = [Arc::new(one.unwrap()), Arc::new(two.unwrap())];
    let writes: Vec<_> = (0..200)
        .map(|n| {
            let node = nodes[n % 2].clone();
            tokio::spawn(async move { node.append_audit(&audit_line(&n.to_string())).await })
        })
        .collect();
    for write in writes {
        write.await.unwrap().unwrap();
    }
    let report = marquee::store::check::check(&*nodes[0]).await.unwrap();
    assert_eq!((report.audit_lines, report.findings), (200, vec![]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_was_cut_is_made_again() {
    let url = PostgresServer::of_this_process().new_database().await;
    let db = postgres::open(&url).await.unwrap();
    db.append_audit(&audit_line("before")).await.unwrap();
    let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
               WHERE datname = current_database() AND pid <> pg_backend_pid()";
    raw(&url, cut).await;
    db.append_audit(&audit_line("after")).await.unwrap();
    db.ping().await.unwrap();
    assert_eq!(db.audit_lines(0, 9).await.unwrap().len(), 2);
}

/// Whoever has a connection to it cannot change what is written in the journals, and readers write nothing.
#[tokio::test]
async fn journals_are_append_only() {
    let url = PostgresServer::of_this_process().new_database().await;
    let db = postgres::open(&url).await.unwrap();
    db.append_audit(&audit_line("one")).await.unwrap();
    let mut connection = PgConnection::connect(&url).await.unwrap();
    for sql in ["UPDATE audit SET detail = ''", "DELETE FROM audit", "TRUNCATE audit", "TRUNCATE entry CASCADE"] {
        let error = sqlx::raw_sql(sql).execute(&mut connection).await.unwrap_err().to_string();
        assert!(error.contains("append-only"), "{sql}: {error}");
    }
    assert_eq!(db.audit_lines(0, 9).await.unwrap().len(), 1);
}
