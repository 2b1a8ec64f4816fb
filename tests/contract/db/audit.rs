use marquee::store::db::audit::{AUDIT_GENESIS, AuditFilter, AuditLine, audit_link};

use super::Backend;
use crate::scene::{audit_line, later, viewer};

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

pub async fn lines_are_read_newest_first_through_a_filter(backend: &impl Backend) {
    let db = backend.open().await;
    let ada = viewer("ada@example.com");
    db.insert_viewer(&ada, "hash").await.unwrap();
    let line = |action: &str, actor: &str, subject: &str, ms| AuditLine {
        at: later(ms),
        actor: actor.into(),
        subject: subject.into(),
        ..audit_line(action)
    };
    let her = ada.id.to_string();
    let lines = [
        line("title.create", "system", "ttl_1", 0),
        line("title.edit", &her, "ttl_1", 10),
        line("Title.edit", &her, "ttl_2", 20),
        line("titles", "system", "ttl_1", 30),
    ];
    for line in &lines {
        db.append_audit(line).await.unwrap();
    }
    let read = async |filter: AuditFilter, before, limit| {
        let page = db.audit_page(&filter, before, limit).await.unwrap();
        page.into_iter().map(|line| line.position).collect::<Vec<_>>()
    };
    let all = AuditFilter::default;
    assert_eq!(read(all(), None, 10).await, [4, 3, 2, 1]);
    assert_eq!(read(all(), None, 2).await, [4, 3]);
    assert_eq!(read(all(), Some(3), 10).await, [2, 1]);
    assert_eq!(read(AuditFilter { action: Some("title.".into()), ..all() }, None, 10).await, [2, 1]);
    assert_eq!(read(AuditFilter { action: Some("title.edit".into()), ..all() }, None, 10).await, [2]);
    assert_eq!(read(AuditFilter { action: Some("title".into()), ..all() }, None, 10).await, [0; 0]);
    assert_eq!(read(AuditFilter { action: Some("%.".into()), ..all() }, None, 10).await, [0; 0]);
    assert_eq!(read(AuditFilter { actor: Some(her.clone()), ..all() }, None, 10).await, [3, 2]);
    assert_eq!(read(AuditFilter { subject: Some("ttl_1".into()), ..all() }, None, 10).await, [4, 2, 1]);
    let (from, to) = (Some(later(10)), Some(later(30)));
    assert_eq!(read(AuditFilter { from, to, ..all() }, None, 10).await, [3, 2], "half open");
    let named = db.audit_page(&AuditFilter { actor: Some(her), ..all() }, None, 1).await.unwrap();
    assert_eq!((&named[0].line, named[0].actor_name.as_deref()), (&lines[2], Some("ada@example.com")));
    assert_eq!(db.audit_page(&all(), None, 1).await.unwrap()[0].actor_name, None);
}
