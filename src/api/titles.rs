//! The catalogue as one caller sees it here and now: each title with the decision about playing it and the offers that
//! would be sold.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::Api;
use crate::api::body::{Id, QueryOf};
use crate::api::caller::{Anyone, At};
use crate::api::film::{
    self, CreditBody, EpisodesBody, FilmClipBody, LicenceBody, PartBody, PreviewBody, TrailerBody, WindowBody,
};
use crate::api::hearing::heard;
use crate::api::merchandise::{self, MerchandiseBody};
use crate::api::page::{List, PageQuery};
use crate::api::posters;
use crate::api::problem::Problem;
use crate::api::series::{TitleSeasonBody, season_of};
use crate::api::shelf::Place;
use crate::api::storefront::AtStorefront;
use crate::base::clock::UtcMs;
use crate::base::id::{OfferId, TitleId, ViewerId};
use crate::base::money::Money;
use crate::base::territory::Territory;
use crate::catalog::genre::Genre;
use crate::catalog::storefront::Storefront;
use crate::catalog::title::{Title, TitleStatus};
use crate::rights::ads::Ads;
use crate::rights::avail::Avail;
use crate::rights::denial::{Denial, DenialCode, NextOption};
use crate::rights::entitlement::{Cause, Decision, Entitlement, ViewerRights, decide, decide_part};
use crate::rights::grant::GrantClock;
use crate::rights::offer::{Offer, OfferKind, SalePhase};
use crate::rights::portability::deemed;
use crate::rights::reach::Reach;
use crate::rights::snapshot::{Snapshot, TitleRights};
use crate::rights::window::WindowPhase;
use crate::store::db::progress::Progress;
use crate::store::state::Rate;

const HOUR_MS: f64 = 3_600_000.0;

#[derive(Serialize, ToSchema)]
pub struct TitleBody {
    id: TitleId,
    /// By BCP 47 language tag.
    name: BTreeMap<String, String>,
    synopsis: BTreeMap<String, String>,
    tagline: BTreeMap<String, String>,
    /// In the order of the credits.
    cast: Vec<CreditBody>,
    /// Slugs, such as `science_fiction`.
    #[schema(value_type = Vec<String>)]
    genres: Vec<Genre>,
    year: Option<u16>,
    country: Option<Territory>,
    content_rating: Option<String>,
    /// From which age on it may be seen without a parental lock asking for its PIN; null where nobody has rated it.
    min_age: Option<u8>,
    /// Of all parts together, without the trailer.
    runtime_ms: i64,
    parts: Vec<PartBody>,
    /// Which season of which series it is.
    season: Option<TitleSeasonBody>,
    /// Where its parts are episodes that are had one by one.
    episodes: Option<EpisodesBody>,
    trailer: Option<TrailerBody>,
    /// In the order they are shown in; each is played by its place, counted from 1.
    clips: Vec<FilmClipBody>,
    preview: Option<PreviewBody>,
    licence: Option<LicenceBody>,
    /// What shops of others sell of it.
    merchandise: Vec<MerchandiseBody>,
    poster_url: Option<String>,
    /// Null where none was uploaded.
    poster_portrait_url: Option<String>,
    backdrop_url: Option<String>,
    /// Those of the caller's territory, by their start.
    windows: Vec<WindowBody>,
    /// When the next one opens, where none is open.
    opens_at: Option<UtcMs>,
    /// Where the caller left off.
    progress: Option<ProgressBody>,
    state: TitleState,
    decision: DecisionBody,
    offers: Vec<OfferBody>,
}

/// How far the caller is.
#[derive(Serialize, ToSchema)]
#[schema(as = Progress)]
pub struct ProgressBody {
    /// Counted from 1.
    part: u32,
    position_ms: i64,
    /// Of the part.
    duration_ms: i64,
    updated_at: UtcMs,
}

/// What the storefront's button is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TitleState {
    ForSale,
    /// Included for members.
    Member,
    Free,
    OpensLater,
    NotAvailable,
    /// Bought by the caller and still theirs.
    Acquired,
}

#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub enum DecisionBody {
    Allow(AllowBody),
    Deny(DenyBody),
}

#[derive(Serialize, ToSchema)]
pub struct AllowBody {
    /// Always true.
    allow: bool,
    via: Via,
    /// Whether advertising is shown with it: in a free window, and to nobody who has paid.
    #[schema(value_type = String, pattern = "^(none|required)$")]
    ads: Ads,
    /// When viewing ends; of what has not been started, by when it must be.
    ends_at: Option<UtcMs>,
    /// Pressing Play starts the viewing period.
    starts_clock: bool,
    /// Where Play starts it: when it ends if it is pressed now.
    plays_until: Option<UtcMs>,
}

#[derive(Serialize, ToSchema)]
pub struct DenyBody {
    /// Always false.
    allow: bool,
    code: String,
    message: String,
    next: Vec<NextBody>,
    /// The caller has bought the title and waits for its opening.
    acquired: bool,
}

/// The right that plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Via {
    Grant,
    Membership,
    Unlock,
    Free,
    /// The word of the operator's own billing.
    External,
    /// An invitation.
    Screener,
    /// A partner's word, for its own viewers.
    Partner,
    Trailer,
    Preview,
}

/// What would help.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", tag = "action")]
pub enum NextBody {
    Buy {
        offer_id: OfferId,
        price: Money,
    },
    /// An episode, for coins.
    Unlock {
        part: u32,
        coins: u32,
    },
    /// An episode, for advertising that is watched to its end; how many more today.
    Reward {
        part: u32,
        left: u32,
    },
    Join,
    Wait {
        opens_at: UtcMs,
    },
}

#[derive(Serialize, ToSchema)]
pub struct OfferBody {
    id: OfferId,
    #[schema(value_type = String, pattern = "^(pvod|rental|buy)$")]
    kind: OfferKind,
    /// What this caller would pay.
    price: Money,
    list_price: Money,
    member_price: Option<Money>,
    /// The viewing period; the longest, where it ends when members have the title; null where it is bought for good.
    watch_hours: Option<f64>,
    /// Early access: sold to members, plays beside a membership, and ends when members have the title anyway.
    until_members: bool,
    /// Within how many days it must be started; null where the period runs from the purchase.
    start_within_days: Option<f64>,
    opens_at: UtcMs,
    closes_at: Option<UtcMs>,
    /// It can be bought now, by this caller.
    on_sale: bool,
    /// It can be bought now although its window has not opened.
    presale: bool,
    presale_from_at: Option<UtcMs>,
    /// When viewing may begin for whoever buys now.
    available_at: UtcMs,
}

/// The titles on show in this storefront: those with a window, open or to come, in one of its territories, and those that
/// the caller has. Offers in other currencies are not among theirs.
#[utoipa::path(get, path = "/titles", tag = "titles", operation_id = "list_titles", params(PageQuery),
    security((), ("bearer" = []), ("cookie" = [])), responses(
    (status = 200, description = "A page of titles: what is on, then what opens, then the rest", body = List<TitleBody>),
))]
pub async fn list(
    State(api): State<Arc<Api>>,
    Anyone(caller): Anyone,
    At(place): At,
    at: AtStorefront,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<List<TitleBody>>, Problem> {
    let viewer_id = caller.and_then(|caller| caller.viewer_id());
    let rights = all_rights(&api, viewer_id).await?;
    let progress = match viewer_id {
        Some(viewer_id) => api.db.progress_of(viewer_id).await?,
        None => Vec::new(),
    };
    let now = api.clock.now();
    let snapshot = api.follower.snapshot();
    let mut listed: Vec<(Place, &Arc<TitleRights>)> = snapshot
        .titles()
        .filter(|title| is_listed(title, now))
        .filter(|title| is_on_show(title, &at.storefront, now) || rights.has(title.title.id, now))
        .map(|title| {
            let sold = title.sold_in(at.storefront.currency);
            let decision = decide(&sold, &rights.of(title.title.id), place.territory, now);
            let opens_at = opens_at(&offered_avails(title, deemed(rights.0.home, place.territory), now), now);
            (Place::of(&title.title, TitleState::of(&decision), opens_at), title)
        })
        .collect();
    listed.sort_by(|one, other| one.0.cmp(&other.0));
    query.cut_after(
        listed,
        Place::parse,
        |(place, _)| place,
        |(_, title)| {
            let id = title.title.id;
            let progress = progress.iter().find(|progress| progress.title_id == id);
            title_body(&title.sold_in(at.storefront.currency), &rights.of(id), progress, place.territory, now)
                .with_season(&snapshot, &title.title, &at.storefront, now)
        },
    )
}

/// One title.
#[utoipa::path(get, path = "/titles/{id}", tag = "titles", operation_id = "show_title", params(("id" = TitleId, Path)),
    security((), ("bearer" = []), ("cookie" = [])), responses(
    (status = 200, description = "The title", body = TitleBody),
    (status = 404, description = "TITLE_NOT_FOUND"),
    (status = 410, description = "TITLE_WITHDRAWN"),
))]
pub async fn show(
    State(api): State<Arc<Api>>,
    Anyone(caller): Anyone,
    At(place): At,
    at: AtStorefront,
    Id(id): Id<TitleId>,
) -> Result<Json<TitleBody>, Problem> {
    let viewer_id = caller.and_then(|caller| caller.viewer_id());
    let title = title_shown_to(&api, id, viewer_id)?;
    let rights = match viewer_id {
        // The page is shown all the same, without the word of the operator's own billing.
        Some(viewer_id)
            if api.sessions.asks_others()
                && matches!(api.accounts.count_title_page(viewer_id).await, Rate::Over { .. }) =>
        {
            api.sessions.viewer_rights(Some(viewer_id), id).await?
        }
        _ => api.sessions.asked_rights(viewer_id, &title, 1, place.territory).await?,
    };
    let progress = match viewer_id {
        Some(viewer_id) => api.db.progress(viewer_id, id).await?,
        None => None,
    };
    let title = title.sold_in(at.storefront.currency);
    let now = api.clock.now();
    let body = title_body(&title, &rights, progress.as_ref(), place.territory, now);
    let mut body = body.with_season(&api.follower.snapshot(), &title.title, &at.storefront, now);
    // Others were asked about the first part.
    let ours = ViewerRights { external: None, ..rights.clone() };
    for part in &mut body.parts {
        let rights = if part.part == 1 { &rights } else { &ours };
        let decision = decide_part(&title, part.part, rights, place.territory, now);
        part.heard = heard(&title, part.part, rights, &decision, place.territory, now);
        part.decision = Some(DecisionBody::new(decision, &title, rights, now));
    }
    if title.title.standing(now) == TitleStatus::Draft {
        // An invitation is to the film.
        (body.trailer, body.preview) = (None, None);
        body.clips.clear();
    }
    Ok(Json(body))
}

/// A title that anybody may know of.
pub fn listed_title(api: &Api, id: TitleId) -> Result<Arc<TitleRights>, Problem> {
    let refuse = |code| Err(Problem::denied(&Denial::of(code)));
    match api.follower.snapshot().title(id) {
        None => refuse(DenialCode::TitleNotListed),
        Some(title) => match title.title.standing(api.clock.now()) {
            TitleStatus::Draft => refuse(DenialCode::TitleNotListed),
            TitleStatus::Withdrawn => refuse(DenialCode::TitleWithdrawn),
            TitleStatus::Live | TitleStatus::Suspended => Ok(title.clone()),
        },
    }
}

/// A title that this viewer may know of: one that anybody may, or one that the viewer is or was invited to.
pub fn title_shown_to(api: &Api, id: TitleId, viewer: Option<ViewerId>) -> Result<Arc<TitleRights>, Problem> {
    let refusal = match listed_title(api, id) {
        Ok(title) => return Ok(title),
        Err(refusal) => refusal,
    };
    let snapshot = api.follower.snapshot();
    let (Some(title), Some(viewer)) = (snapshot.title(id), viewer) else { return Err(refusal) };
    let is_draft = title.title.standing(api.clock.now()) == TitleStatus::Draft;
    let is_invited = title.screeners_of(viewer).any(|screener| screener.revoked_at.is_none());
    if is_draft && is_invited { Ok(title.clone()) } else { Err(refusal) }
}

/// Whether anybody may know of it.
pub fn is_listed(title: &TitleRights, now: UtcMs) -> bool {
    matches!(title.title.standing(now), TitleStatus::Live | TitleStatus::Suspended)
}

/// Whether a window of the title, open or to come, lies in a territory of the storefront.
pub fn is_on_show(title: &TitleRights, storefront: &Storefront, now: UtcMs) -> bool {
    title.avails.iter().any(|avail| {
        avail.window.phase(now) != WindowPhase::Closed
            && !avail.has_hard_ended(now)
            && avail.territories.meets(&storefront.territories)
    })
}

/// What a viewer brings to every title.
pub struct AllRights(ViewerRights);

impl AllRights {
    /// Whether the viewer has it, wherever and whenever it is on show.
    pub fn has(&self, title: TitleId, now: UtcMs) -> bool {
        self.0.grants.iter().any(|grant| grant.title_id == title && grant.is_live(now))
            || self.0.unlocks.iter().any(|unlock| unlock.title_id == title)
            || self.0.screeners.iter().any(|screener| screener.title_id == title && screener.is_alive(now))
    }

    pub fn of(&self, title: TitleId) -> ViewerRights {
        let grants = self.0.grants.iter().filter(|grant| grant.title_id == title).cloned().collect();
        let screeners = self.0.screeners.iter().filter(|screener| screener.title_id == title).cloned().collect();
        let unlocks = self.0.unlocks.iter().filter(|unlock| unlock.title_id == title).cloned().collect();
        ViewerRights {
            grants,
            memberships: self.0.memberships.clone(),
            unlocks,
            screeners,
            external: None,
            home: self.0.home,
            wanted: None,
        }
    }
}

pub async fn all_rights(api: &Api, viewer: Option<ViewerId>) -> Result<AllRights, Problem> {
    let Some(viewer) = viewer else { return Ok(AllRights(ViewerRights::default())) };
    let mut grants = api.db.grants(viewer, None).await?;
    grants.retain(|grant| grant.livemode == api.livemode);
    let mut unlocks = api.db.unlocks(viewer, None).await?;
    unlocks.retain(|unlock| unlock.livemode == api.livemode);
    let (memberships, screeners) =
        (api.db.memberships(viewer, api.livemode).await?, api.db.screeners_of(viewer).await?);
    let home = api.db.home(viewer).await?.map(|home| home.territory);
    Ok(AllRights(ViewerRights { grants, memberships, unlocks, screeners, external: None, home, wanted: None }))
}

/// What a shop window shows of a title's windows in a territory.
fn offered_avails(title: &TitleRights, territory: Option<Territory>, now: UtcMs) -> Vec<&Avail> {
    Reach::of(title, territory, now).offered().collect()
}

/// As a caller sees it who brings this; of a season not yet which others there are.
pub fn title_body(
    title: &TitleRights,
    viewer: &ViewerRights,
    progress: Option<&Progress>,
    territory: Option<Territory>,
    now: UtcMs,
) -> TitleBody {
    let Title { id, name, synopsis, runtime_ms, details, .. } = &title.title;
    let decision = decide(title, viewer, territory, now);
    let territory = deemed(viewer.home, territory);
    let is_member = viewer.is_member(now);
    let reach = Reach::of(title, territory, now);
    let covered: Vec<&Avail> = reach.offered().collect();
    let offers = covered
        .iter()
        .flat_map(|avail| title.offers_of(avail.id).map(move |offer| (*avail, offer)))
        .filter(|(_, offer)| !offer.is_withdrawn(now))
        .map(|(avail, offer)| offer_body(&reach, avail, offer, is_member, now))
        .collect();
    let posters = posters::urls(&title.title);
    TitleBody {
        id: *id,
        name: name.clone(),
        synopsis: synopsis.clone(),
        tagline: details.tagline.clone(),
        cast: details.cast.iter().map(CreditBody::from).collect(),
        genres: details.genres.clone(),
        year: details.year,
        country: details.country,
        content_rating: details.content_rating.clone(),
        min_age: details.min_age,
        runtime_ms: *runtime_ms,
        parts: film::parts(&title.title),
        season: None,
        episodes: film::episodes(&title.title),
        trailer: film::trailer(&title.title),
        clips: film::clips(&title.title),
        preview: film::preview(title, territory, now),
        licence: film::licence(&title.title),
        merchandise: merchandise::of(&title.title),
        poster_url: posters.landscape.clone(),
        poster_portrait_url: posters.portrait,
        backdrop_url: posters.landscape,
        windows: film::windows(title, &covered, now),
        opens_at: opens_at(&covered, now),
        progress: progress.map(ProgressBody::from),
        state: TitleState::of(&decision),
        decision: DecisionBody::new(decision, title, viewer, now),
        offers,
    }
}

/// When the next of `avails` opens, where none of them is open.
fn opens_at(avails: &[&Avail], now: UtcMs) -> Option<UtcMs> {
    if avails.iter().any(|avail| avail.window.is_open(now) && !avail.has_hard_ended(now)) {
        return None;
    }
    let upcoming = avails.iter().filter(|avail| avail.window.phase(now) == WindowPhase::NotOpen);
    upcoming.map(|avail| avail.window.start_at).min()
}

impl TitleBody {
    /// The same with the seasons beside it.
    pub fn with_season(self, snapshot: &Snapshot, title: &Title, storefront: &Storefront, now: UtcMs) -> TitleBody {
        TitleBody { season: season_of(snapshot, title, storefront, now), ..self }
    }
}

impl TitleState {
    /// What a decision means for the button.
    pub fn of(decision: &Decision) -> TitleState {
        let denial = match decision {
            Decision::Allow(entitlement) => {
                return match entitlement.cause {
                    Cause::Grant(_) | Cause::Unlock(_) | Cause::External | Cause::Screener(_) | Cause::Partner(_) => {
                        TitleState::Acquired
                    }
                    Cause::Membership(_) => TitleState::Member,
                    Cause::Free | Cause::Trailer | Cause::Preview => TitleState::Free,
                };
            }
            Decision::Deny(denial) if denial.is_acquired => return TitleState::Acquired,
            Decision::Deny(denial) => denial,
        };
        let has = |wanted: fn(&NextOption) -> bool| denial.next.iter().any(wanted);
        if has(|option| matches!(option, NextOption::Buy { .. } | NextOption::Unlock { .. })) {
            TitleState::ForSale
        } else if has(|option| matches!(option, NextOption::Join)) {
            TitleState::Member
        } else if has(|option| matches!(option, NextOption::Wait { .. })) {
            TitleState::OpensLater
        } else {
            TitleState::NotAvailable
        }
    }
}

fn offer_body(reach: &Reach<'_>, avail: &Avail, offer: &Offer, is_member: bool, now: UtcMs) -> OfferBody {
    let (watch_ms, start_within_ms) = match offer.clock {
        GrantClock::OnPurchase { watch_ms } | GrantClock::UntilMembers { watch_ms } => (Some(watch_ms), None),
        GrantClock::OnFirstPlay { start_within_ms, watch_ms } => (Some(watch_ms), Some(start_within_ms)),
        GrantClock::Forever => (None, None),
    };
    let is_live = reach.title.title.status == TitleStatus::Live;
    let sale = offer.sale_phase(avail, now);
    OfferBody {
        id: offer.id,
        kind: offer.kind,
        price: offer.price(is_member),
        list_price: offer.list_price,
        member_price: offer.member_price,
        watch_hours: watch_ms.map(|ms| ms as f64 / HOUR_MS),
        until_members: offer.clock.needs_membership(),
        start_within_days: start_within_ms.map(|ms| ms as f64 / (24.0 * HOUR_MS)),
        opens_at: avail.window.start_at,
        closes_at: offer.sold_until(avail),
        on_sale: is_live && offer.is_for(is_member) && reach.sells(offer, avail, now) && reach.is_shown_at_all(),
        presale: is_live && sale == SalePhase::Presale,
        presale_from_at: offer.presale_from_at,
        available_at: avail.window.start_at.max(now),
    }
}

impl From<&Progress> for ProgressBody {
    fn from(progress: &Progress) -> ProgressBody {
        ProgressBody {
            part: progress.part,
            position_ms: progress.position_ms,
            duration_ms: progress.duration_ms,
            updated_at: progress.updated_at,
        }
    }
}

impl From<Cause> for Via {
    fn from(cause: Cause) -> Via {
        match cause {
            Cause::Grant(_) => Via::Grant,
            Cause::Membership(_) => Via::Membership,
            Cause::Unlock(_) => Via::Unlock,
            Cause::Free => Via::Free,
            Cause::External => Via::External,
            Cause::Screener(_) => Via::Screener,
            Cause::Partner(_) => Via::Partner,
            Cause::Trailer => Via::Trailer,
            Cause::Preview => Via::Preview,
        }
    }
}

impl DecisionBody {
    fn new(decision: Decision, title: &TitleRights, viewer: &ViewerRights, now: UtcMs) -> DecisionBody {
        let plays_until = |entitlement: &Entitlement| {
            let Entitlement { cause: Cause::Grant(id), starts_clock: true, avail_id, .. } = entitlement else {
                return None;
            };
            let until = viewer.grants.iter().find(|grant| grant.id == *id)?.expires_at_if_played(now)?;
            let hard_end_at = avail_id.and_then(|id| title.avail(id)?.hard_end_at);
            Some(hard_end_at.map_or(until, |hard_end_at| hard_end_at.min(until)))
        };
        match decision {
            Decision::Allow(entitlement) => DecisionBody::Allow(AllowBody {
                allow: true,
                via: entitlement.cause.into(),
                ads: Ads::of(&entitlement, title),
                ends_at: entitlement.ends_at,
                starts_clock: entitlement.starts_clock,
                plays_until: plays_until(&entitlement),
            }),
            Decision::Deny(denial) => DecisionBody::Deny(DenyBody {
                allow: false,
                code: denial.code.as_str().to_owned(),
                message: denial.code.message().to_owned(),
                next: denial.next.into_iter().map(NextBody::from).collect(),
                acquired: denial.is_acquired,
            }),
        }
    }
}

impl From<NextOption> for NextBody {
    fn from(option: NextOption) -> NextBody {
        match option {
            NextOption::Buy { offer_id, price } => NextBody::Buy { offer_id, price },
            NextOption::Unlock { part, coins } => NextBody::Unlock { part, coins },
            NextOption::Reward { part, left } => NextBody::Reward { part, left },
            NextOption::Join => NextBody::Join,
            NextOption::Wait { opens_at } => NextBody::Wait { opens_at },
        }
    }
}
