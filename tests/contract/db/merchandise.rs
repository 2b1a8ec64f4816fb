use marquee::base::clock::UtcMs;
use marquee::store::db::merchandise::Clicks;

use super::Backend;
use crate::scene::{NOW, Scene};

const DAY_MS: i64 = 24 * 3_600_000;

pub async fn clicks_are_counted_by_day_sku_and_campaign(backend: &impl Backend) {
    let db = backend.open().await;
    let title = Scene::set(&db).await.title.id;
    let midnight = UtcMs(NOW.0 - NOW.0 % DAY_MS);
    let tomorrow = UtcMs(midnight.0 + DAY_MS);
    for (sku, campaign, at) in [
        ("MUG", "", midnight),
        ("MUG", "spring", midnight),
        ("MUG", "", UtcMs(tomorrow.0 - 1)),
        ("CAP", "", NOW),
        ("MUG", "", tomorrow),
    ] {
        db.count_click(title, sku, campaign, at).await.unwrap();
    }
    let row =
        |day, sku: &str, campaign: &str, clicks| Clicks { day, sku: sku.into(), campaign: campaign.into(), clicks };
    let today = [row(midnight, "CAP", "", 1), row(midnight, "MUG", "", 2), row(midnight, "MUG", "spring", 1)];
    assert_eq!(db.clicks(title, midnight, tomorrow).await.unwrap(), today);
    let later = db.clicks(title, tomorrow, UtcMs(i64::MAX)).await.unwrap();
    assert_eq!(later, [row(tomorrow, "MUG", "", 1)]);
}
