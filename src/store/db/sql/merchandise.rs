//! SQL of [`MerchandiseDb`].

use async_trait::async_trait;

use super::row::Columns;
use super::{Row, SqlDb};
use crate::base::clock::UtcMs;
use crate::base::error::Result;
use crate::base::id::TitleId;
use crate::base::limits;
use crate::store::db::MerchandiseDb;
use crate::store::db::merchandise::Clicks;

const DAY_MS: i64 = 24 * 3_600_000;

#[async_trait]
impl MerchandiseDb for SqlDb {
    async fn count_click(&self, title: TitleId, sku: &str, campaign: &str, at: UtcMs) -> Result<()> {
        let (sku, campaign, day) = (sku.to_owned(), campaign.to_owned(), at.0 - at.0.rem_euclid(DAY_MS));
        self.write(move |conn| {
            Box::pin(async move {
                // Words that nobody has given out are not collected without end.
                let words: i64 = sqlx::query_scalar(
                    "SELECT COUNT(DISTINCT campaign) FROM merchandise_click \
                     WHERE title_id = $1 AND day = $2 AND campaign <> $3",
                )
                .bind(title.to_string())
                .bind(day)
                .bind(&campaign)
                .fetch_one(&mut *conn)
                .await?;
                let campaign = if words >= limits::CAMPAIGNS_PER_DAY_MAX { String::new() } else { campaign };
                sqlx::query(
                    "INSERT INTO merchandise_click (title_id, sku, day, campaign, clicks) VALUES ($1, $2, $3, $4, 1) \
                     ON CONFLICT (title_id, sku, day, campaign) DO UPDATE SET clicks = merchandise_click.clicks + 1",
                )
                .bind(title.to_string())
                .bind(sku)
                .bind(day)
                .bind(campaign)
                .execute(conn)
                .await?;
                Ok(())
            })
        })
        .await
    }

    async fn clicks(&self, title: TitleId, from: UtcMs, to: UtcMs) -> Result<Vec<Clicks>> {
        let rows = sqlx::query(
            "SELECT day, sku, campaign, clicks FROM merchandise_click WHERE title_id = $1 AND day >= $2 AND day < $3 \
             ORDER BY day DESC, sku DESC, campaign DESC LIMIT $4",
        )
        .bind(title.to_string())
        .bind(from.0 - from.0.rem_euclid(DAY_MS))
        .bind(to.0)
        .bind(limits::CLICK_ROWS_MAX)
        .fetch_all(&self.readers)
        .await?;
        rows.iter().rev().map(clicks).collect()
    }
}

fn clicks(row: &Row) -> Result<Clicks> {
    Ok(Clicks {
        day: row.instant("day")?,
        sku: row.text("sku")?,
        campaign: row.text("campaign")?,
        clicks: row.count("clicks")?,
    })
}
