//! Opening and leaving a playback, and the event stream that holds it.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::api::body::{Id, JsonBody};
use crate::api::caller::{AnOperator, Anyone, At};
use crate::api::campaign;
use crate::api::events::Events;
use crate::api::lock;
use crate::api::problem::Problem;
use crate::api::role::require;
use crate::api::titles::Via;
use crate::api::{Api, BASE};
use crate::base::clock::UtcMs;
use crate::base::drm_system::DrmSystem;
use crate::base::id::{SessionId, TitleId, ViewerId};
use crate::commerce::account::{Caller, Visit};
use crate::commerce::unlocks::Wanted;
use crate::playback::denied;
use crate::playback::devices::Place;
use crate::playback::feature::Feature;
use crate::playback::library::Licensing;
use crate::playback::presentation::Presentation;
use crate::playback::sessions::{LiveSession, OpenRequest, Opened, Watcher};
use crate::rights::ads::Ads;
use crate::rights::denial::{Denial, DenialCode, NextOption};
use crate::rights::language_range::LanguageRange;
use crate::rights::session::PlaybackSession;
use crate::store::db::operator::Role;
use crate::store::state::Rate;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlayBody {
    title_id: TitleId,
    /// Counted from 1, and 1 if not said.
    part: Option<u32>,
    /// Play the trailer: for anybody, without an account.
    #[serde(default)]
    trailer: bool,
    /// Play a clip, counted from 1: for anybody, without an account.
    clip: Option<u32>,
    /// Watch the beginning of the film: for anybody, without an account, while the title is on.
    #[serde(default)]
    preview: bool,
    /// A BCP 47 tag. Where several rights of the viewer's let the part be seen, one under which it is heard in this language
    /// goes first; it refuses nothing.
    #[schema(value_type = Option<String>)]
    language: Option<LanguageRange>,
    /// Of the account's parental lock, for what is above its age.
    pin: Option<String>,
    /// The word of the link that the viewer came by: 1 to 64 letters, digits, `-`, `_` and `.`.
    campaign: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct PlaybackSessionBody {
    id: SessionId,
    title_id: TitleId,
    part: u32,
    /// The multivariant playlist. It holds a secret: whoever has it plays.
    playback_url: String,
    /// A WebVTT file of small pictures for a seek bar, under the same secret; null where there are none.
    storyboard_url: Option<String>,
    /// The film's chapters, in their order; empty where it has none.
    chapters: Vec<ChapterBody>,
    /// Where a sealed film's licences are, for a player that opens it with a decryption module, best first; empty where
    /// there are none.
    licenses: Vec<LicenseBody>,
    events_url: String,
    /// What is played, in order.
    clips: Vec<ClipBody>,
    /// When the URL itself runs out.
    expires_at: UtcMs,
    /// When viewing ends as things stand.
    ends_at: Option<UtcMs>,
    /// The first key of the film will start the viewing period.
    starts_clock: bool,
    via: Via,
    /// Whether advertising is shown with it.
    #[schema(value_type = String, pattern = "^(none|required)$")]
    ads: Ads,
    /// Of a viewing by invitation: what to draw over the picture, so that a copy says whose it is. It is the session's id,
    /// as the audit log has it.
    watermark: Option<String>,
}

/// It lasts until the next one begins, or the film ends.
#[derive(Serialize, ToSchema)]
#[schema(as = Chapter)]
pub struct ChapterBody {
    /// From the beginning of the film, as in the storyboard; its clip says where that is on the player's clock.
    start_ms: u64,
    /// One line; empty where it has no name.
    title: String,
}

/// Licences of one system, under the secret of `playback_url`.
#[derive(Serialize, ToSchema)]
#[schema(as = License)]
pub struct LicenseBody {
    system: LicenseSystem,
    /// The challenge goes here with POST; of `clearkey` it is JSON.
    url: String,
    /// Of `fairplay`: the certificate that its module needs.
    certificate_url: Option<String>,
}

#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum LicenseSystem {
    Widevine,
    PlayReady,
    FairPlay,
    ClearKey,
}

/// A stretch of what is played.
#[derive(Serialize, ToSchema)]
#[schema(as = Clip)]
pub struct ClipBody {
    kind: ClipKindBody,
    /// On the player's clock.
    start_ms: i64,
    duration_ms: i64,
}

#[derive(Serialize, ToSchema)]
#[schema(as = ClipKind)]
#[serde(rename_all = "snake_case")]
pub enum ClipKindBody {
    /// The release card of the film, which is watched whole: a player lets nobody seek in it or past it, nor play it
    /// faster. The film's keys are given out once it has run.
    Card,
    Film,
}

/// The film, behind its card where there is one.
fn clips(session: &PlaybackSession, film_ms: i64) -> Vec<ClipBody> {
    let card =
        session.card.map(|card| ClipBody { kind: ClipKindBody::Card, start_ms: 0, duration_ms: card.duration_ms });
    let start_ms = card.as_ref().map_or(0, |card| card.duration_ms);
    card.into_iter().chain([ClipBody { kind: ClipKindBody::Film, start_ms, duration_ms: film_ms }]).collect()
}

/// Press Play.
#[utoipa::path(post, path = "/playback-sessions", tag = "playback", operation_id = "create_playback_session", request_body = PlayBody,
    security((), ("bearer" = []), ("cookie" = [])), responses(
    (status = 201, description = "The session", body = PlaybackSessionBody),
    (status = 403, description = "PAYMENT_REQUIRED, MEMBERSHIP_REQUIRED, RENTAL_EXPIRED, START_BY_PASSED, \
        WINDOW_NOT_OPEN, WINDOW_CLOSED, SCREENING_OVER, GEO_NOT_LICENSED, LANGUAGE_HELD_BACK, CLEAN_EDIT_MISSING, \
        DEVICE_LIMIT, TOO_MANY_STREAMS, TITLE_SUSPENDED, \
        PIN_REQUIRED, PIN_WRONG with `tries_left`, PIN_LOCKED with `locked_until`"),
    (status = 404, description = "TITLE_NOT_FOUND, PART_NOT_FOUND, TRAILER_NOT_FOUND, CLIP_NOT_FOUND, PREVIEW_NOT_FOUND"),
    (status = 410, description = "TITLE_WITHDRAWN"),
    (status = 422, description = "FIELD_INVALID, CAMPAIGN_INVALID, PIN_INVALID"),
    (status = 503, description = "CARD_NOT_READY, PREVIEW_NOT_READY, RENDITION_NOT_READY, \
        ENTITLEMENT_HOOK_UNAVAILABLE"),
))]
pub async fn create(
    State(api): State<Arc<Api>>,
    Anyone(caller): Anyone,
    At(place): At,
    visit: Visit,
    body: JsonBody<PlayBody>,
) -> Result<Response, Problem> {
    let PlayBody { title_id, part, trailer, clip, preview, language, pin, campaign } = body.value;
    let feature = match (trailer, clip, preview, part) {
        (true, None, false, None) => Feature::Trailer,
        (false, Some(clip), false, None) => Feature::Clip(clip),
        (false, None, true, None) => Feature::Preview,
        (false, None, false, part) => Feature::Part(part.unwrap_or(1)),
        _ => {
            let detail = "Ask for a part, the trailer, a clip or the preview: one of them.";
            return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "FIELD_INVALID", detail).with_param("part"));
        }
    };
    let campaign = campaign::checked(campaign)?;
    let viewer_id = caller.as_ref().and_then(Caller::viewer_id);
    if let Rate::Over { retry_after } = api.accounts.count_session(viewer_id, place.network).await {
        return Err(Problem::too_many(retry_after));
    }
    let request = OpenRequest {
        watcher: match caller {
            Some(Caller::Viewer { id, token }) => Watcher::Viewer(id, token),
            Some(Caller::Operator { .. }) | None => Watcher::Anybody,
        },
        device: visit.device,
        title_id,
        feature,
        territory: place.territory,
        network: Some(place.network),
        age_limit: age_limit(&api, viewer_id, title_id, pin.as_deref()).await?,
        wanted: language,
        campaign,
    };
    let actor = caller.as_ref().map_or_else(|| "nobody".to_owned(), Caller::name);
    play(&api, request, &actor).await
}

/// What the viewer's parental lock lets through. A PIN is tried where the title asks for one, and a right one lets
/// everything through.
async fn age_limit(
    api: &Api,
    viewer_id: Option<ViewerId>,
    title_id: TitleId,
    pin: Option<&str>,
) -> Result<Option<u8>, Problem> {
    let Some(viewer_id) = viewer_id else { return Ok(None) };
    let Some(lock) = api.accounts.lock(viewer_id).await? else { return Ok(None) };
    match pin {
        Some(pin) if is_above(api, title_id, lock.age_limit) => {
            let Err(refusal) = api.accounts.try_pin(viewer_id, pin).await? else { return Ok(None) };
            let problem = lock::refused(refusal);
            let detail = json!({"code": problem.code(), "rule": "parental_lock"});
            api.audit(&viewer_id.to_string(), "session.deny", &title_id.to_string(), detail).await?;
            Err(problem)
        }
        _ => Ok(Some(lock.age_limit)),
    }
}

/// Opens a session, or says why not; either is a line of the audit log.
pub async fn play(api: &Api, request: OpenRequest, actor: &str) -> Result<Response, Problem> {
    let OpenRequest { title_id, feature, territory, .. } = request;
    let part = if let Feature::Part(part) = feature { Some(part) } else { None };
    let (trailer, preview) = (feature == Feature::Trailer, feature == Feature::Preview);
    let clip = if let Feature::Clip(clip) = feature { Some(clip) } else { None };
    let mut opened = api.sessions.open(request.clone()).await?;
    if let Err(denial) = &opened
        && would_unlock(api, &request, denial).await?
    {
        // Nothing is paid for what would not be shown then.
        if api.sessions.devices().place(request.watcher).await? == Place::Taken {
            opened = Err(Denial::of(DenialCode::DeviceLimit));
        } else if request.age_limit.is_some_and(|age_limit| is_above(api, title_id, age_limit)) {
            opened = Err(Denial::of(DenialCode::PinRequired));
        } else if unlocks_unasked(api, &request).await? {
            opened = api.sessions.open(request).await?;
        }
    }
    match shown(api, opened).await? {
        Ok(Opened { session, film_ms, token }) => {
            api.metrics.count_session();
            let right = &session.entitlement;
            let snapshot = api.follower.snapshot();
            let ads = snapshot.title(title_id).map_or(Ads::None, |title| Ads::of(right, title));
            let detail = json!({"title_id": title_id, "part": part, "trailer": trailer, "clip": clip,
                "preview": preview, "asset_id": session.asset_id, "campaign": session.campaign, "territory": territory, "rule": right.cause.rule(), "avail_id": right.avail_id,
                "deal_id": right.deal_id, "grant_id": right.grant_id(), "membership_id": right.membership_id(),
                "screener_id": right.screener_id(), "reference": right.reference, "ends_at": right.ends_at, "ads": ads, "caps": right.caps.as_deref()});
            if let Err(error) = api.audit(actor, "session.open", &session.id.to_string(), detail).await {
                // Nobody gets the token, and the stream is free again.
                api.sessions.end(session.id).await?;
                return Err(error.into());
            }
            let presentation = Presentation::of(&session);
            // A preview ends with a segment, wherever that is.
            let film_ms = match right.preview_ms {
                Some(_) => api.library.film_ms(&presentation).await.unwrap_or(film_ms),
                None => film_ms,
            };
            let has_storyboard = api.library.has_storyboard(&presentation).await;
            let chapters = api.library.chapters(&presentation).await.into_iter();
            let licensing = api.library.licensing(&presentation).await;
            let body = PlaybackSessionBody {
                id: session.id,
                title_id: session.title_id,
                part: session.part,
                playback_url: format!("/play/{token}/main.m3u8"),
                storyboard_url: has_storyboard.then(|| format!("/play/{token}/{}/storyboard.vtt", session.asset_id)),
                chapters: chapters
                    .map(|chapter| ChapterBody { start_ms: chapter.start_ms, title: chapter.title })
                    .collect(),
                licenses: LicenseBody::all(&licensing, &token),
                clips: clips(&session, film_ms),
                events_url: format!("{BASE}/playback-sessions/{}/events", session.id),
                expires_at: session.expires_at,
                ends_at: session.entitlement.ends_at,
                starts_clock: session.entitlement.starts_clock,
                via: session.entitlement.cause.into(),
                ads,
                watermark: session.entitlement.screener_id().map(|_| session.id.to_string()),
            };
            Ok((StatusCode::CREATED, Json(body)).into_response())
        }
        Err(denial) => {
            api.metrics.count_denial(denial.code.as_str());
            let detail = json!({"code": denial.code.as_str(), "rule": denied::rule(denial.code), "part": part,
                "trailer": trailer, "clip": clip, "preview": preview, "territory": territory});
            api.audit(actor, "session.deny", &title_id.to_string(), detail).await?;
            Err(Problem::denied(&denial))
        }
    }
}

/// A session of which nothing could be shown is none.
async fn shown(api: &Api, opened: Result<Opened, Denial>) -> Result<Result<Opened, Denial>, Problem> {
    let Ok(Opened { session, .. }) = &opened else { return Ok(opened) };
    let Err(error) = api.library.require_shown(&Presentation::of(session)).await else { return Ok(opened) };
    api.sessions.end(session.id).await?;
    if error.code() == DenialCode::LanguageHeldBack.as_str() {
        return Ok(Err(Denial::of(DenialCode::LanguageHeldBack)));
    }
    Err(error.into())
}

fn is_above(api: &Api, title_id: TitleId, age_limit: u8) -> bool {
    api.follower.snapshot().title(title_id).is_some_and(|title| title.title.details.is_above(age_limit))
}

/// Whether coins would help a viewer who has asked never to be asked.
async fn would_unlock(api: &Api, request: &OpenRequest, denial: &Denial) -> Result<bool, Problem> {
    let Some(viewer_id) = request.watcher.viewer_id() else { return Ok(false) };
    // Whoever may have bought it elsewhere pays for nothing unasked.
    let is_known = denial.code != DenialCode::EntitlementHookUnavailable;
    let costs_coins = is_known && denial.next.iter().any(|option| matches!(option, NextOption::Unlock { .. }));
    Ok(costs_coins && api.db.auto_unlocks(viewer_id).await?)
}

/// Whether the episode was unlocked.
async fn unlocks_unasked(api: &Api, request: &OpenRequest) -> Result<bool, Problem> {
    let (Some(viewer_id), Feature::Part(part)) = (request.watcher.viewer_id(), request.feature) else {
        return Ok(false);
    };
    let OpenRequest { title_id, territory, ref wanted, .. } = *request;
    let wanted = Wanted { viewer_id, title_id, part, territory, language: wanted.clone() };
    Ok(api.unlocks.buy_unasked(wanted).await?.is_ok())
}

impl LicenseBody {
    fn all(licensing: &Licensing, token: &str) -> Vec<LicenseBody> {
        let of = |system: &DrmSystem| {
            let (name, certificate) = match system {
                DrmSystem::Widevine => (LicenseSystem::Widevine, None),
                DrmSystem::PlayReady => (LicenseSystem::PlayReady, None),
                DrmSystem::FairPlay => (LicenseSystem::FairPlay, Some("fairplay.cer")),
            };
            LicenseBody {
                system: name,
                url: format!("/play/{token}/license/{}", system.as_str()),
                certificate_url: certificate.map(|file| format!("/play/{token}/license/{file}")),
            }
        };
        let mut all: Vec<LicenseBody> = licensing.systems.iter().map(of).collect();
        if licensing.clearkey {
            let url = format!("/play/{token}/license/clearkey");
            all.push(LicenseBody { system: LicenseSystem::ClearKey, url, certificate_url: None });
        }
        all
    }
}

/// Leave: the stream slot is free at once. Leaving twice is leaving once.
#[utoipa::path(delete, path = "/playback-sessions/{id}", tag = "playback", operation_id = "end_playback_session", params(("id" = SessionId, Path)),
    security((), ("bearer" = []), ("cookie" = [])), responses(
    (status = 204, description = "The session has ended"),
    (status = 404, description = "No session of the caller's"),
))]
pub async fn end(
    State(api): State<Arc<Api>>,
    Anyone(caller): Anyone,
    Id(id): Id<SessionId>,
) -> Result<StatusCode, Problem> {
    session_of(&api, caller.as_ref(), id).await?;
    api.sessions.end(id).await?;
    if let Some(operator @ Caller::Operator { .. }) = caller {
        api.audit(&operator.name(), "session.end", &id.to_string(), json!({})).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Hear of the session's end at once. `heartbeat` with `{at}` every 30 s, `more` with `{}` when the multivariant playlist
/// of a film that is still being packaged has further tracks, then one `ended` with `{code, message}`.
#[utoipa::path(get, path = "/playback-sessions/{id}/events", tag = "playback", operation_id = "follow_playback_session", params(("id" = SessionId, Path)),
    security((), ("bearer" = []), ("cookie" = [])), responses(
    (status = 200, description = "Server-sent events", content_type = "text/event-stream", body = String),
    (status = 404, description = "No session of the caller's"),
))]
pub async fn events(
    State(api): State<Arc<Api>>,
    Anyone(caller): Anyone,
    At(place): At,
    Id(id): Id<SessionId>,
) -> Result<Response, Problem> {
    let session = session_of(&api, caller.as_ref(), id).await?;
    let events = Events::of(&api, session, place);
    let headers = [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-store, no-transform")];
    Ok((headers, Body::from_stream(events.stream())).into_response())
}

/// A session that the caller may end or hold: their own, or any for an operator who edits. A session of a free title
/// that nobody signed in for belongs to whoever knows its id.
async fn session_of(api: &Api, caller: Option<&Caller>, id: SessionId) -> Result<Arc<LiveSession>, Problem> {
    let session = api.sessions.find(id).await?.ok_or_else(Problem::not_found)?;
    let owner = session.row().viewer_id;
    let is_allowed = match caller {
        Some(caller @ Caller::Operator { id, role, .. }) if owner.is_some() => {
            require(&AnOperator { id: *id, caller: caller.clone(), role: *role }, Role::Operator)?;
            true
        }
        Some(Caller::Viewer { id, .. }) => owner.is_none_or(|owner| owner == *id),
        Some(Caller::Operator { .. }) | None => owner.is_none(),
    };
    if is_allowed { Ok(session) } else { Err(Problem::not_found()) }
}
