//! Telemetry and the board.

use std::time::Duration;

use marquee::base::id::{AssetId, SessionId};
use marquee::base::money::{Currency, Money};
use marquee::catalog::licence::ReleaseCard;
use marquee::rights::entitlement::{Cause, Entitlement};
use marquee::rights::session::PlaybackSession;
use marquee::store::db::Db;
use marquee::store::db::board::{
    BoardQuery, BoardRows, CampaignRows, CampaignSales, CampaignSessions, SalesQuery, Span,
};
use marquee::telemetry::event::{EventKind, PlayerEvent};
use marquee::telemetry::note::{Fact, Note, SessionNotes, Source};

use super::Backend;
use crate::scene::{NOW, Scene, later};

fn started(at_ms: u64) -> Note {
    let event = PlayerEvent { at_ms, kind: EventKind::FirstFrame { startup_ms: Some(900) } };
    Note::Player { received_at: later(5), sent_at_ms: Some(at_ms), events: vec![event] }
}

pub async fn notes_are_folded_into_their_session_and_kept_in_order(backend: &impl Backend) {
    let db = backend.open().await;
    let scene = Scene::set(&db).await;
    let (_, _, grant) = scene.paid(&db).await;
    let session = scene.session(&grant);
    let unknown = scene.session(&grant).id;
    db.insert_session(&session).await.unwrap();
    let fact = Note::Server { at: later(3), fact: Fact::FirstKey };
    let notes = [
        SessionNotes { session_id: unknown, notes: vec![started(1)] },
        SessionNotes { session_id: session.id, notes: vec![fact] },
        SessionNotes { session_id: session.id, notes: vec![started(1)] },
    ];
    db.record_notes(&notes).await.unwrap();
    db.record_notes(&notes[2..]).await.unwrap();
    let lines = db.timeline(session.id).await.unwrap();
    let said: Vec<_> = lines.iter().map(|line| (line.source, line.kind.as_str())).collect();
    assert_eq!(said, [(Source::Server, "first_key"), (Source::Player, "first_frame")], "what comes twice counts once");
    let qoe = db.qoe(session.id).await.unwrap().unwrap();
    assert_eq!((qoe.startup_ms, qoe.started_at), (Some(900), Some(later(5))));
    assert_eq!(db.qoe(unknown).await.unwrap(), None);
    assert!(db.timeline(unknown).await.unwrap().is_empty());
}

pub async fn the_card_of_a_session_is_not_watched(backend: &impl Backend) {
    let db = backend.open().await;
    let scene = Scene::set(&db).await;
    let grant = scene.paid(&db).await.2;
    let closed = PlayerEvent { at_ms: 7_001, kind: EventKind::Closed };
    let closed = Note::Player { received_at: later(7_005), sent_at_ms: Some(7_001), events: vec![closed] };
    let card = ReleaseCard { asset_id: AssetId::new(NOW), duration_ms: 5_005 };
    for (card, watched_ms) in [(None, 7_000), (Some(card), 1_995)] {
        let session = PlaybackSession { id: SessionId::new(NOW), card, ..scene.session(&grant) };
        db.insert_session(&session).await.unwrap();
        let notes = vec![started(1), closed.clone()];
        db.record_notes(&[SessionNotes { session_id: session.id, notes }]).await.unwrap();
        assert_eq!(db.qoe(session.id).await.unwrap().unwrap().watched_ms, watched_ms);
    }
}

async fn board(db: &std::sync::Arc<dyn Db>, livemode: bool, currency: Option<Currency>) -> BoardRows {
    let day = Span { from: NOW, to: NOW + Duration::from_secs(3600) };
    let before = Span { from: NOW - Duration::from_secs(3600), to: NOW };
    let query = BoardQuery {
        currency,
        livemode,
        today: day,
        last_week: before,
        last_week_day: before,
        recent: day,
        pending_before: day.to,
        failed_since: NOW,
    };
    db.board(&query).await.unwrap()
}

pub async fn the_board_is_what_the_books_say(backend: &impl Backend) {
    let db = backend.open().await;
    let scene = Scene::set(&db).await;
    let none = board(&db, false, None).await;
    assert_eq!((none.ledger_position, none.currency, none.currencies.len()), (0, Currency::CNY, 0));
    let (purchase, ..) = scene.paid(&db).await;
    let other = scene.with_viewer(&db, "other@example.com").await;
    let (refunded, refund) = other.refunded(&db).await;
    let rows = board(&db, purchase.livemode, None).await;
    let gross = purchase.price.minor + refunded.price.minor;
    assert_eq!((rows.today.gross_minor, rows.today.refunds_minor, rows.today.orders), (gross, refund.amount.minor, 2));
    assert_eq!((rows.today.checkouts, rows.today.paid, rows.ledger_position), (2, 2, 3));
    assert_eq!((rows.titles.len(), rows.titles[0].title_id, rows.hours.len()), (1, scene.title.id, 1));
    assert_eq!(rows.last_week, marquee::store::db::board::Figures::default());
    assert_eq!(rows.currencies, [purchase.price.currency]);
    let elsewhere = board(&db, !purchase.livemode, None).await;
    assert_eq!((elsewhere.today.orders, elsewhere.currencies.len()), (0, 0), "test money and real money never meet");
    assert_eq!(board(&db, purchase.livemode, Some(Currency::USD)).await.today.orders, 0);
    let span = Span { from: NOW, to: NOW + Duration::from_secs(3600) };
    let query = SalesQuery { title_id: scene.title.id, currency: None, livemode: purchase.livemode, span };
    let sales = db.title_sales(&query).await.unwrap();
    assert_eq!(sales.cells.iter().map(|cell| cell.gross_minor).sum::<i64>(), gross);
    assert_eq!((sales.refunds_minor, sales.refunds, sales.retention.len()), (refund.amount.minor, 1, 50));
}

pub async fn campaigns_are_what_sessions_and_the_books_say(backend: &impl Backend) {
    let db = backend.open().await;
    let scene = Scene::set(&db).await;
    let title = scene.title.id;
    assert_eq!(db.campaigns(title, false).await.unwrap(), CampaignRows::default());
    let (purchase, _, grant) = scene.paid(&db).await;
    let other = scene.with_viewer(&db, "other@example.com").await;
    let (refunded, _) = other.refunded(&db).await;
    scene.with_viewer(&db, "third@example.com").await.begun(&db).await;
    let film = scene.session(&grant);
    let trailer = Entitlement { cause: Cause::Trailer, ..film.entitlement.clone() };
    for (campaign, entitlement) in
        [(Some("spring"), &film.entitlement), (Some("spring"), &trailer), (Some("Autumn"), &trailer), (None, &trailer)]
    {
        let (id, campaign) = (SessionId::new(NOW), campaign.map(str::to_owned));
        let session = PlaybackSession { id, campaign, entitlement: entitlement.clone(), ..film.clone() };
        db.insert_session(&session).await.unwrap();
    }
    let row = |campaign: &str, teasers, films| CampaignSessions { campaign: campaign.into(), teasers, films };
    let sessions = vec![row("spring", 1, 1), row("Autumn", 1, 0)];
    let gross = Money::new(purchase.price.minor + refunded.price.minor, purchase.price.currency);
    let sales = vec![CampaignSales { campaign: "spring".into(), gross, orders: 2, refunds: 1 }];
    let expected = CampaignRows { sessions: sessions.clone(), sales };
    assert_eq!(db.campaigns(title, purchase.livemode).await.unwrap(), expected);
    let elsewhere = db.campaigns(title, !purchase.livemode).await.unwrap();
    assert_eq!(elsewhere, CampaignRows { sessions, sales: vec![] }, "test money and real money never meet");
}

pub async fn lines_and_sessions_are_forgotten_a_few_at_a_time(backend: &impl Backend) {
    let db = backend.open().await;
    let scene = Scene::set(&db).await;
    let (_, _, grant) = scene.paid(&db).await;
    let session = scene.session(&grant);
    db.insert_session(&session).await.unwrap();
    let fact = |at| Note::Server { at, fact: Fact::FirstKey };
    let notes = (0..5).map(|n| fact(later(n))).collect();
    db.record_notes(&[SessionNotes { session_id: session.id, notes }]).await.unwrap();
    assert_eq!(db.forget_lines(later(4), 3).await.unwrap(), 3);
    assert_eq!(db.forget_lines(later(4), 3).await.unwrap(), 1);
    assert_eq!(db.forget_lines(later(4), 3).await.unwrap(), 0);
    assert_eq!(db.timeline(session.id).await.unwrap().len(), 1);
    assert_eq!(db.forget_sessions(session.expires_at, 9).await.unwrap(), 0);
    assert_eq!(db.forget_sessions(later(1001), 9).await.unwrap(), 1);
    assert_eq!(db.session(session.id).await.unwrap(), None);
    assert!(db.qoe(session.id).await.unwrap().is_some());
}
