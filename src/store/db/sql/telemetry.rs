//! SQL of [`TelemetryDb`].

use async_trait::async_trait;

use super::row::{Columns, to_json};
use super::{Connection, Row, SqlDb};
use crate::base::clock::UtcMs;
use crate::base::error::Result;
use crate::base::id::SessionId;
use crate::base::limits;
use crate::rights::entitlement::Cause;
use crate::rights::session::PlaybackSession;
use crate::store::db::TelemetryDb;
use crate::store::db::telemetry::{ErrorTotals, QoeQuery, QoeReport, QoeTotals};
use crate::telemetry::note::{Line, SessionNotes, Source};
use crate::telemetry::qoe::{Qoe, Scope};

const ERROR_CODES_SHOWN: i64 = 100;
const SESSIONS_PER_CODE: i64 = 5;

/// `$1` to `$2`, of the title `$3` or of all where that is empty.
const WITHIN: &str = "opened_at >= $1 AND opened_at < $2 AND ($3 = '' OR title_id = $3)";

#[async_trait]
impl TelemetryDb for SqlDb {
    async fn record_notes(&self, notes: &[SessionNotes]) -> Result<()> {
        let notes = notes.to_vec();
        self.write(move |conn| {
            Box::pin(async move {
                for notes in &notes {
                    fold(conn, notes).await?;
                }
                Ok(())
            })
        })
        .await
    }

    async fn timeline(&self, id: SessionId) -> Result<Vec<Line>> {
        let rows = sqlx::query(
            "SELECT at, source, kind, detail FROM session_line WHERE session_id = $1 ORDER BY at, line LIMIT $2",
        )
        .bind(id.to_string())
        .bind(i64::from(limits::TIMELINE_LINES_MAX))
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(line).collect()
    }

    async fn qoe(&self, id: SessionId) -> Result<Option<Qoe>> {
        let row = sqlx::query("SELECT fold FROM session_qoe WHERE session_id = $1")
            .bind(id.to_string())
            .fetch_optional(&self.readers)
            .await?;
        row.as_ref().map(|row| row.json("fold")).transpose()
    }

    async fn qoe_report(&self, query: &QoeQuery) -> Result<QoeReport> {
        let mut moment = self.readers.begin().await?;
        let report = report(&mut moment, query).await?;
        moment.rollback().await?;
        Ok(report)
    }

    async fn forget_lines(&self, before: UtcMs, limit: u32) -> Result<u64> {
        self.write(move |conn| {
            Box::pin(async move {
                let gone = sqlx::query(
                    "DELETE FROM session_line WHERE (session_id, line) IN \
                     (SELECT session_id, line FROM session_line WHERE at < $1 LIMIT $2)",
                )
                .bind(before.0)
                .bind(i64::from(limit))
                .execute(conn)
                .await?;
                Ok(gone.rows_affected())
            })
        })
        .await
    }
}

/// Begins the record of a session, in the transaction that opens it.
pub async fn open(conn: &mut Connection, session: &PlaybackSession) -> Result<()> {
    let grant_id = match session.entitlement.cause {
        Cause::Grant(id) => Some(id.to_string()),
        Cause::Membership(_)
        | Cause::Unlock(_)
        | Cause::External
        | Cause::Partner(_)
        | Cause::Screener(_)
        | Cause::Free => None,
        // It says nothing of the film.
        Cause::Trailer | Cause::Preview => return Ok(()),
    };
    sqlx::query(
        "INSERT INTO session_qoe (session_id, title_id, viewer_id, grant_id, opened_at, duration_ms, is_exit, stalls, \
         rebuffer_ms, watched_ms, errors, reached, last_heard_at, fold) \
         VALUES ($1, $2, $3, $4, $5, COALESCE((SELECT duration_ms FROM asset WHERE id = $6), 0), 0, 0, 0, 0, 0, 0, $5, \
         '{}')",
    )
    .bind(session.id.to_string())
    .bind(session.title_id.to_string())
    .bind(session.viewer_id.map(|id| id.to_string()))
    .bind(grant_id)
    .bind(session.opened_at.0)
    .bind(session.asset_id.to_string())
    .execute(conn)
    .await?;
    Ok(())
}

async fn fold(conn: &mut Connection, notes: &SessionNotes) -> Result<()> {
    let id = notes.session_id.to_string();
    let row = sqlx::query(
        "SELECT session_qoe.opened_at, duration_ms, fold, COALESCE(card_ms, 0) AS card_ms \
         FROM session_qoe LEFT JOIN session ON session.id = session_id WHERE session_id = $1",
    )
    .bind(&id)
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row else { return Ok(()) };
    let scope = Scope {
        opened_at: row.instant("opened_at")?,
        duration_ms: row.count("duration_ms")?,
        card_ms: row.count("card_ms")?,
    };
    let mut qoe: Qoe = row.json("fold")?;
    let errors_before = qoe.error_count();
    for note in &notes.notes {
        let mut number = i64::from(qoe.lines);
        for line in qoe.take(scope, note) {
            number += 1;
            sqlx::query(
                "INSERT INTO session_line (session_id, line, at, source, kind, detail) VALUES ($1, $2, $3, $4, $5, $6)",
            )
            .bind(&id)
            .bind(number)
            .bind(line.at.0)
            .bind(line.source.as_str())
            .bind(line.kind)
            .bind(line.detail.to_string())
            .execute(&mut *conn)
            .await?;
        }
    }
    if qoe.error_count() != errors_before {
        keep_errors(conn, &id, &qoe).await?;
    }
    sqlx::query(
        "UPDATE session_qoe SET started_at = $2, startup_ms = $3, start_failed_at = $4, is_exit = $5, stalls = $6, \
         rebuffer_ms = $7, watched_ms = $8, errors = $9, furthest_permille = $10, reached = $11, last_heard_at = $12, \
         fold = $13 WHERE session_id = $1",
    )
    .bind(&id)
    .bind(qoe.started_at.map(|at| at.0))
    .bind(qoe.startup_ms.map(u64::cast_signed))
    .bind(qoe.start_failed_at.map(|at| at.0))
    .bind(i64::from(qoe.exited_before_start))
    .bind(qoe.stalls.cast_signed())
    .bind(qoe.rebuffer_ms.cast_signed())
    .bind(qoe.watched_ms.cast_signed())
    .bind(qoe.error_count().cast_signed())
    .bind(qoe.furthest_permille.map(u64::cast_signed))
    .bind(qoe.reached.cast_signed())
    .bind(qoe.last_heard_at.unwrap_or(scope.opened_at).0)
    .bind(to_json(&qoe)?)
    .execute(conn)
    .await?;
    Ok(())
}

async fn keep_errors(conn: &mut Connection, session_id: &str, qoe: &Qoe) -> Result<()> {
    for error in &qoe.errors {
        sqlx::query(
            "INSERT INTO session_error (session_id, code, errors, last_at) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (session_id, code) DO UPDATE SET errors = excluded.errors, last_at = excluded.last_at",
        )
        .bind(session_id)
        .bind(&error.code)
        .bind(error.count.cast_signed())
        .bind(error.last_at.0)
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

async fn report(conn: &mut Connection, query: &QoeQuery) -> Result<QoeReport> {
    let mut totals = sums(conn, query, "''").await?;
    let mut titles = sums(conn, query, "title_id").await?;
    for (key, p50, p95) in percentiles(conn, query, "''").await? {
        set_percentiles(&mut totals, &key, p50, p95);
    }
    for (key, p50, p95) in percentiles(conn, query, "title_id").await? {
        set_percentiles(&mut titles, &key, p50, p95);
    }
    let titles = titles.into_iter().map(|(key, totals)| Ok((key.parse()?, totals))).collect::<Result<_>>()?;
    Ok(QoeReport {
        totals: totals.into_iter().next().map(|(_, totals)| totals).unwrap_or_default(),
        titles,
        errors: errors(conn, query).await?,
        startups: startups(conn, query).await?,
    })
}

/// Sums by `key`, most sessions first.
async fn sums(conn: &mut Connection, query: &QoeQuery, key: &'static str) -> Result<Vec<(String, QoeTotals)>> {
    let sql = format!(
        "SELECT {key} AS title, COUNT(*) AS sessions, COUNT(started_at) AS started, \
         COUNT(start_failed_at) AS start_failures, CAST(SUM(is_exit) AS BIGINT) AS exits, \
         CAST(SUM(rebuffer_ms) AS BIGINT) AS rebuffer_ms, CAST(SUM(watched_ms) AS BIGINT) AS watched_ms, \
         CAST(SUM(errors) AS BIGINT) AS errors FROM session_qoe WHERE {WITHIN} \
         GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT $4"
    );
    let rows = within(&sql, query).bind(i64::from(limits::QOE_TITLES_MAX)).fetch_all(conn).await?;
    rows.iter()
        .map(|row| {
            let totals = QoeTotals {
                sessions: row.count("sessions")?,
                started: row.count("started")?,
                startup_p50_ms: None,
                startup_p95_ms: None,
                start_failures: row.count("start_failures")?,
                exits_before_start: row.count("exits")?,
                rebuffer_ms: row.count("rebuffer_ms")?,
                watched_ms: row.count("watched_ms")?,
                errors: row.count("errors")?,
            };
            Ok((row.text("title")?, totals))
        })
        .collect()
}

/// The 50th and the 95th percentile of start-up by `key`: the nearest rank.
async fn percentiles(conn: &mut Connection, query: &QoeQuery, key: &'static str) -> Result<Vec<(String, u64, u64)>> {
    let sql = format!(
        "SELECT title, MIN(CASE WHEN place * 100 >= places * 50 THEN startup_ms END) AS p50, \
         MIN(CASE WHEN place * 100 >= places * 95 THEN startup_ms END) AS p95 FROM \
         (SELECT {key} AS title, startup_ms, ROW_NUMBER() OVER (PARTITION BY {key} ORDER BY startup_ms) AS place, \
         COUNT(*) OVER (PARTITION BY {key}) AS places FROM session_qoe WHERE {WITHIN} AND startup_ms IS NOT NULL) \
         AS placed GROUP BY title"
    );
    let rows = within(&sql, query).fetch_all(conn).await?;
    rows.iter().map(|row| Ok((row.text("title")?, row.count("p50")?, row.count("p95")?))).collect()
}

fn set_percentiles(totals: &mut [(String, QoeTotals)], key: &str, p50: u64, p95: u64) {
    if let Some((_, totals)) = totals.iter_mut().find(|(known, _)| known == key) {
        (totals.startup_p50_ms, totals.startup_p95_ms) = (Some(p50), Some(p95));
    }
}

async fn errors(conn: &mut Connection, query: &QoeQuery) -> Result<Vec<ErrorTotals>> {
    let sql = format!(
        "SELECT code, CAST(SUM(session_error.errors) AS BIGINT) AS errors, MAX(last_at) AS last_at \
         FROM session_error JOIN session_qoe ON session_qoe.session_id = session_error.session_id WHERE {WITHIN} \
         GROUP BY code ORDER BY 2 DESC, 1 LIMIT $4"
    );
    let rows = within(&sql, query).bind(ERROR_CODES_SHOWN).fetch_all(&mut *conn).await?;
    let sql = format!(
        "SELECT session_error.session_id AS id FROM session_error \
         JOIN session_qoe ON session_qoe.session_id = session_error.session_id WHERE {WITHIN} AND code = $4 \
         ORDER BY last_at DESC, 1 LIMIT $5"
    );
    let mut errors = Vec::with_capacity(rows.len());
    for row in &rows {
        let code = row.text("code")?;
        let sessions = within(&sql, query).bind(&code).bind(SESSIONS_PER_CODE).fetch_all(&mut *conn).await?;
        errors.push(ErrorTotals {
            count: row.count("errors")?,
            last_at: row.instant("last_at")?,
            sessions: sessions.iter().map(|row| row.parsed("id")).collect::<Result<_>>()?,
            code,
        });
    }
    Ok(errors)
}

async fn startups(conn: &mut Connection, query: &QoeQuery) -> Result<Vec<u64>> {
    let bounds = query.startup_bounds_ms.iter().enumerate();
    let cases: Vec<String> =
        bounds.map(|(place, bound_ms)| format!("WHEN startup_ms <= {bound_ms} THEN {place}")).collect();
    let cases = cases.join(" ");
    let last = query.startup_bounds_ms.len();
    let sql = format!(
        "SELECT CASE {cases} ELSE {last} END AS place, COUNT(*) AS starts FROM session_qoe \
         WHERE {WITHIN} AND startup_ms IS NOT NULL GROUP BY 1"
    );
    let mut startups = vec![0; last + 1];
    for row in within(&sql, query).fetch_all(conn).await? {
        if let Some(place) = startups.get_mut(row.count::<usize>("place")?) {
            *place = row.count("starts")?;
        }
    }
    Ok(startups)
}

fn within<'q>(sql: &'q str, query: &QoeQuery) -> sqlx::query::Query<'q, sqlx::Any, sqlx::any::AnyArguments> {
    let title = query.title_id.map(|id| id.to_string()).unwrap_or_default();
    sqlx::query(sqlx::AssertSqlSafe(sql.to_owned())).bind(query.from.0).bind(query.to.0).bind(title)
}

fn line(row: &Row) -> Result<Line> {
    Ok(Line {
        at: row.instant("at")?,
        source: row.word("source", Source::parse)?,
        kind: row.text("kind")?,
        detail: row.json("detail")?,
    })
}
