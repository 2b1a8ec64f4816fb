//! What a database test begins with: a viewer, a title on sale, and the values that a purchase of it consists of.

use std::collections::BTreeMap;
use std::sync::Arc;

use marquee::base::clock::UtcMs;
use marquee::base::id::{
    AssetId, AuditId, AvailId, GrantId, OfferId, PaymentId, PurchaseId, RefundId, SessionId, StorefrontId, TitleId,
    ViewerId, VoucherBatchId, VoucherId,
};
use marquee::base::money::{Currency, Money};
use marquee::base::protection::ProtectionScheme;
use marquee::base::territory::TerritorySet;
use marquee::catalog::details::{TitleDetails, Trailer};
use marquee::catalog::genre::Genre;
use marquee::catalog::title::{Title, TitleStatus};
use marquee::ledger::purchase::{Good, Line, Purchase, PurchaseStatus, Refund};
use marquee::ledger::{entry::Entry, rules};
use marquee::rights::avail::{Avail, LicenseType};
use marquee::rights::entitlement::{Cause, Entitlement};
use marquee::rights::grant::{Grant, GrantCause, GrantClock};
use marquee::rights::offer::{Offer, OfferKind};
use marquee::rights::session::PlaybackSession;
use marquee::rights::voucher::VoucherBatch;
use marquee::rights::window::Window;
use marquee::store::db::account::Viewer;
use marquee::store::db::audit::AuditLine;
use marquee::store::db::commerce::{Begun, Settled};
use marquee::store::db::voucher::NewVoucher;
use marquee::store::db::{Db, Idempotency, Written};

pub const NOW: UtcMs = UtcMs(1_800_000_000_000);

pub struct Scene {
    pub viewer: Viewer,
    pub title: Title,
    pub avail: Avail,
    pub offer: Offer,
}

impl Scene {
    pub async fn set(db: &Arc<dyn Db>) -> Scene {
        let viewer = viewer("Ada@example.com");
        let title = title();
        let avail = avail(title.id);
        let offer = offer(&avail);
        db.insert_viewer(&viewer, "hash").await.unwrap();
        assert_eq!(db.insert_title(&title, None).await.unwrap(), Written::New(()));
        assert_eq!(db.insert_avail(&avail, None, NOW).await.unwrap(), Written::New(()));
        assert_eq!(db.insert_offer(&offer, None, NOW).await.unwrap(), Written::New(()));
        Scene { viewer, title, avail, offer }
    }

    /// Another viewer of the same title.
    pub async fn with_viewer(&self, db: &Arc<dyn Db>, email: &str) -> Scene {
        let viewer = viewer(email);
        db.insert_viewer(&viewer, "hash").await.unwrap();
        Scene { viewer, title: self.title.clone(), avail: self.avail.clone(), offer: self.offer.clone() }
    }

    pub fn purchase(&self) -> Purchase {
        Purchase {
            id: PurchaseId::new(NOW),
            viewer_id: self.viewer.id,
            good: Good::Offer(Line {
                title_id: self.title.id,
                avail_id: self.avail.id,
                offer_id: self.offer.id,
                price: self.offer.list_price,
            }),
            storefront_id: StorefrontId::FIRST,
            price: self.offer.list_price,
            is_member_price: false,
            discount: None,
            territory: "CN".parse().unwrap(),
            campaign: Some("spring".into()),
            provider: "sandbox".into(),
            payment_id: PaymentId::new(NOW),
            payment_details: "{\"outcome\":\"approve\"}".into(),
            payment_action: None,
            status: PurchaseStatus::Pending,
            closed_because: None,
            accepted_members_from_at: Some(later(9)),
            livemode: false,
            created_at: NOW,
            decided_at: None,
        }
    }

    pub async fn begun(&self, db: &Arc<dyn Db>) -> Purchase {
        let purchase = self.purchase();
        let seen = db.grants(self.viewer.id, Some(self.title.id)).await.unwrap().len();
        let begun = db.begin_purchase(&purchase, seen, &key(&purchase.id.to_string())).await.unwrap();
        assert_eq!(begun, Written::New(Begun::Recorded));
        purchase
    }

    pub async fn paid(&self, db: &Arc<dyn Db>) -> (Purchase, Entry, Grant) {
        let purchase = self.begun(db).await;
        let (entry, grant) = (sale(&purchase), grant_for(&purchase));
        assert_eq!(db.settle_purchase(purchase.id, None, &entry, &grant.clone().into()).await.unwrap(), Settled::Done);
        (purchase, entry, grant)
    }

    pub async fn refunded(&self, db: &Arc<dyn Db>) -> (Purchase, Refund) {
        let (purchase, entry, _) = self.paid(db).await;
        let refund = refund_of(&purchase);
        let reversal = rules::reversal(&entry, refund.created_at).unwrap();
        let done = db.record_refund(&refund, &reversal, &key(&refund.id.to_string())).await.unwrap();
        assert_eq!(done, Written::New(Settled::Done));
        (purchase, refund)
    }

    /// A batch of two vouchers for the offer, not in the database.
    pub fn batch(&self) -> VoucherBatch {
        VoucherBatch {
            id: VoucherBatchId::new(NOW),
            title_id: self.title.id,
            offer_id: self.offer.id,
            count: 2,
            expires_at: later(1_000),
            note: "For friends.".into(),
            party_id: None,
            created_at: NOW,
            void_at: None,
            livemode: false,
        }
    }

    /// The batch in the database, with the hashes `[1; 32]` and `[2; 32]`.
    pub async fn vouchers(&self, db: &Arc<dyn Db>) -> (VoucherBatch, Vec<NewVoucher>) {
        let batch = self.batch();
        let voucher = |byte| NewVoucher { id: VoucherId::new(NOW), code_hash: [byte; 32] };
        let vouchers = vec![voucher(1), voucher(2)];
        let made = db.insert_voucher_batch(&batch, &vouchers, &key(&batch.id.to_string())).await.unwrap();
        assert_eq!(made, Written::New(()));
        (batch, vouchers)
    }

    /// What a voucher gives this viewer.
    pub fn gift(&self, voucher: VoucherId) -> Grant {
        Grant { cause: GrantCause::Voucher(voucher), ..grant_for(&self.purchase()) }
    }

    pub fn session(&self, grant: &Grant) -> PlaybackSession {
        PlaybackSession {
            id: SessionId::new(NOW),
            viewer_id: Some(self.viewer.id),
            device: "Chrome on Linux".into(),
            title_id: self.title.id,
            part: 1,
            asset_id: AssetId::new(NOW),
            card: None,
            territory: Some("CN".parse().unwrap()),
            entitlement: Entitlement {
                home: None,
                cause: Cause::Grant(grant.id),
                avail_id: Some(self.avail.id),
                deal_id: None,
                ends_at: Some(later(1000)),
                starts_clock: true,
                streams: 1,
                beside: None,
                preview_ms: None,
                reference: None,
                protection: Some(ProtectionScheme::Cbcs),
                caps: None,
            },
            campaign: Some("spring".into()),
            opened_at: NOW,
            expires_at: later(1000),
            revoked_at: None,
            ended_at: None,
        }
    }
}

pub fn later(ms: i64) -> UtcMs {
    UtcMs(NOW.0 + ms)
}

pub fn key(key: &str) -> Idempotency {
    Idempotency { caller: "viewer".into(), key: key.into(), request_digest: "digest".into() }
}

/// The same key with another request.
pub fn other_body(idempotency: &Idempotency) -> Idempotency {
    Idempotency { request_digest: "another digest".into(), ..idempotency.clone() }
}

pub fn viewer(email: &str) -> Viewer {
    Viewer { id: ViewerId::new(NOW), email: email.into(), display_name: "Ada".into(), language: None, created_at: NOW }
}

pub fn title() -> Title {
    Title {
        id: TitleId::new(NOW),
        name: BTreeMap::from([("zh-CN".into(), "片名".into()), ("en".into(), "A Title".into())]),
        synopsis: BTreeMap::new(),
        status: TitleStatus::Live,
        parts: vec![AssetId::new(NOW)],
        runtime_ms: 5_400_000,
        details: TitleDetails {
            tagline: BTreeMap::from([("en".into(), "Two lines.".into())]),
            genres: vec![Genre::Drama, Genre::ScienceFiction],
            year: Some(2026),
            country: Some("CN".parse().unwrap()),
            trailer: Some(Trailer { asset_id: AssetId::new(NOW), runtime_ms: 60_000 }),
            rank: -7,
            ..TitleDetails::default()
        },
        created_at: NOW,
        version: 1,
    }
}

pub fn avail(title_id: TitleId) -> Avail {
    Avail {
        id: AvailId::new(NOW),
        title_id,
        license_type: LicenseType::Vod,
        description: Some("PVOD".into()),
        territories: TerritorySet::of(["CN".parse().unwrap()]),
        window: Window { start_at: NOW, end_at: Some(later(86_400_000)), zone: "Asia/Shanghai".into() },
        hard_end_at: Some(later(100_000_000)),
        caps: None,
    }
}

pub fn offer(avail: &Avail) -> Offer {
    Offer {
        id: OfferId::new(NOW),
        title_id: avail.title_id,
        avail_id: avail.id,
        kind: OfferKind::Pvod,
        list_price: Money::new(1800, Currency::CNY),
        member_price: Some(Money::new(900, Currency::CNY)),
        clock: GrantClock::OnFirstPlay { start_within_ms: 604_800_000, watch_ms: 172_800_000 },
        streams: 1,
        presale_from_at: None,
        sales_cutoff_ms: 0,
        withdrawn_at: None,
    }
}

pub fn sale(purchase: &Purchase) -> Entry {
    rules::sale(purchase, None, later(10)).unwrap()
}

pub fn grant_for(purchase: &Purchase) -> Grant {
    let line = &purchase.good.lines()[0];
    Grant {
        id: GrantId::new(later(10)),
        viewer_id: purchase.viewer_id,
        title_id: line.title_id,
        avail_id: line.avail_id,
        offer_id: line.offer_id,
        cause: GrantCause::Purchase(purchase.id),
        clock: GrantClock::OnFirstPlay { start_within_ms: 604_800_000, watch_ms: 172_800_000 },
        issued_at: later(10),
        available_at: later(10),
        first_play_at: None,
        hard_end_at: Some(later(100_000_000)),
        streams: 1,
        revoked_at: None,
        extended_ms: 0,
        start_extended_ms: 0,
        livemode: false,
    }
}

pub fn refund_of(purchase: &Purchase) -> Refund {
    Refund {
        id: RefundId::new(later(20)),
        purchase_id: purchase.id,
        amount: purchase.price,
        reason: "It stuttered.".into(),
        created_at: later(20),
    }
}

pub fn audit_line(action: &str) -> AuditLine {
    AuditLine {
        id: AuditId::new(NOW),
        at: NOW,
        actor: "system".into(),
        action: action.into(),
        subject: "ttl_1".into(),
        detail: "{\"a\":1}".into(),
    }
}
