use marquee::store::db::audit::{AUDIT_GENESIS, audit_link};

use super::Backend;
use crate::scene::audit_line;

pub async fn lines_come_in_order_and_each_hash_covers_the_one_before(backend: &impl Backend) {
    let db = backend.open().await;
    assert_eq!(db.audit_lines(0, 10).await.unwrap(), []);
    let lines: Vec<_> = (0..5).map(|index| audit_line(&format!("act.{index}"))).collect();
    for line in &lines {
        db.append_audit(line).await.unwrap();
    }
    let chained = db.audit_lines(0, 10).await.unwrap();
    assert_eq!(chained.iter().map(|chained| chained.position).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    assert_eq!(chained.iter().map(|chained| chained.line.clone()).collect::<Vec<_>>(), lines);
    let mut previous = AUDIT_GENESIS;
    for chained in &chained {
        previous = audit_link(&previous, &chained.line).unwrap();
        assert_eq!(chained.hash, previous);
    }
    assert_eq!(db.audit_lines(2, 2).await.unwrap(), chained[2..4]);
}
