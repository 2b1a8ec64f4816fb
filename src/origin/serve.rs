//! Answers a request below `/play/`: decode the path, pass the gate, open the library, respond.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{HeaderMap, Method, Response, StatusCode};
use http_body_util::{BodyExt, Collected, LengthLimitError, Limited};

use crate::audience::Audience;
use crate::base::clock::Clock;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::id::RequestId;
use crate::base::limits::{LICENSE_CHALLENGE_BYTES_MAX, LICENSE_REQUEST_BYTES_MAX};
use crate::http::body::Body;
use crate::http::entity::Entity;
use crate::http::respond::{self, Problem};
use crate::origin::meter::Meter;
use crate::origin::path::{PlayPath, Target};
use crate::playback::asset::Playlist;
use crate::playback::denied;
use crate::playback::gate::{Entitled, Gate, Refusal, Wish, WishKind};
use crate::playback::library::{Library, Media};
use crate::playback::licenses::{self, License, Licenses};
use crate::playback::place::Place;
use crate::playback::token::TokenRefusal;
use crate::rights::denial::Denial;

const METHODS: &str = "GET, HEAD, POST, OPTIONS";
/// A playlist or a key is asked for again each time: that is where a right that has ended is noticed.
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
/// Media never changes; the URL holds a token, so the copy is the viewer's own.
const IMMUTABLE: HeaderValue = HeaderValue::from_static("private, max-age=86400, immutable");

/// The origin of all playback.
pub struct Origin {
    gate: Gate,
    library: Arc<Library>,
    licenses: Licenses,
    meter: Meter,
    audience: Arc<Audience>,
}

/// A request, as far as the origin looks at it.
pub struct PlayRequest<'a> {
    pub method: &'a Method,
    pub path: &'a str,
    /// Only CMCD is looked for in it.
    pub query: Option<&'a str>,
    pub headers: &'a HeaderMap,
    /// Of a POST, as [`read_license_request`] got it.
    pub body: std::result::Result<Bytes, StatusCode>,
    pub place: Place,
    pub clock: &'a Clock,
}

impl PlayRequest<'_> {
    /// A name for this request, in an answer that says why not. Media goes without: the name's random part is a system
    /// call.
    fn new_id(&self) -> String {
        RequestId::new(self.clock.now()).to_string()
    }
}

impl Origin {
    pub fn new(gate: Gate, library: Arc<Library>, licenses: Licenses, meter: Meter, audience: Arc<Audience>) -> Origin {
        Origin { gate, library, licenses, meter, audience }
    }

    /// Answers; pages of any origin may read the answer.
    pub async fn serve(&self, request: &PlayRequest<'_>) -> Response<Body> {
        if request.method == Method::OPTIONS {
            return respond::preflight(METHODS);
        }
        let path = PlayPath::decode(request.path);
        let mut response = match &path {
            Some(path) => self.answer(path, request).await,
            None => not_found().with_request_id(Some(&request.new_id())).into_response(),
        };
        self.meter.count(path.as_ref().map(|path| &path.target), &response);
        respond::allow_any_origin(response.headers_mut());
        response
    }

    async fn answer(&self, path: &PlayPath<'_>, request: &PlayRequest<'_>) -> Response<Body> {
        let target = path.target;
        let Place { territory, network, .. } = request.place;
        let wish = Wish { asset_id: target.asset(), kind: target.wish_kind(), territory, network: Some(network) };
        let entitled = match self.gate.admit(path.token, wish).await {
            Ok(entitled) => entitled,
            Err(refusal) => {
                let request_id = request.new_id();
                tracing::debug!(route = target.template(), ?refusal, request_id, "refused");
                return refused(refusal, &request_id);
            }
        };
        self.audience.collector.note_request(entitled.session_id(), request.query, request.headers);
        let response = match self.open(&entitled, target, request).await {
            Ok(response) => response,
            Err(error) => return respond::error(&error, Some(&request.new_id())),
        };
        if request.method != Method::HEAD
            && response.status().is_success()
            && !is_preparation(target, request)
            && let Err(refusal) = self.gate.hand_out(&entitled).await
        {
            return refused(refusal, &request.new_id());
        }
        response
    }

    async fn open(&self, entitled: &Entitled, target: Target<'_>, request: &PlayRequest<'_>) -> Result<Response<Body>> {
        let entity = match target {
            Target::Multivariant => playlist(self.library.multivariant(entitled).await?),
            Target::Playlist { track, .. } => playlist(self.library.playlist(entitled, track).await?),
            Target::Init { track, .. } => media(self.library.init(entitled, track).await?),
            Target::Segment { track, n, .. } => media(self.library.segment(entitled, track, n).await?),
            Target::IFramePlaylist { track, .. } => playlist(self.library.iframes(entitled, track).await?),
            Target::IFrame { track, n, .. } => media(self.library.iframe(entitled, track, n).await?),
            Target::Text { track, n, .. } => media(self.library.text(entitled, track, n).await?),
            Target::Key { track, .. } => Entity {
                content_type: HeaderValue::from_static("application/octet-stream"),
                cache_control: NO_STORE,
                etag: HeaderValue::try_from(format!("\"{track}-key\"")).map_err(|error| {
                    Error::new(ErrorKind::NotFound, "MEDIA_NOT_FOUND", "No such track.").with_source(error)
                })?,
                identity: self.library.key(entitled, track).await?,
                gzip: None,
            },
            Target::ClearKeyLicense | Target::License { .. } => {
                return Box::pin(self.license(entitled, target, request)).await;
            }
            Target::FairPlayCertificate => {
                return Ok(unshared(Box::pin(self.licenses.certificate()).await?, "application/octet-stream"));
            }
            Target::Chapters { .. } => Entity {
                content_type: HeaderValue::from_static("application/json"),
                ..playlist(self.library.chapters_json(entitled).await?)
            },
            Target::Storyboard { .. } => Entity {
                content_type: HeaderValue::from_static("text/vtt"),
                ..playlist(self.library.storyboard(entitled).await?)
            },
            Target::Sheet { n, .. } => media(self.library.sheet(entitled, n).await?),
        };
        // A key is not given in parts.
        let none = HeaderMap::new();
        let headers = if target.wish_kind() == WishKind::Key { &none } else { request.headers };
        Ok(entity.respond(request.method, headers))
    }

    /// A licence is no entity: each is made for one request.
    async fn license(
        &self,
        entitled: &Entitled,
        target: Target<'_>,
        request: &PlayRequest<'_>,
    ) -> Result<Response<Body>> {
        if request.method != Method::POST {
            let detail = "A licence is asked for with POST.";
            return Ok(Problem::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", detail)
                .with_header(ALLOW, HeaderValue::from_static("POST"))
                .into_response());
        }
        let body = match &request.body {
            Ok(body) => body,
            Err(status) => {
                let bytes_max = license_bytes_max(request.path);
                let detail = format!("A licence request arrives whole and has at most {bytes_max} bytes.");
                return Ok(Problem::new(*status, "LICENSE_REQUEST_INVALID", &detail).into_response());
            }
        };
        let Target::License { system } = target else {
            return Ok(unshared(self.library.license(entitled, body).await?, "application/json"));
        };
        let keys = self.library.licensed_keys(entitled, system).await?;
        let ends_at = self.gate.plays_until(entitled);
        let License { bytes, content_type } =
            self.licenses.license(system, entitled, ends_at, keys, body.clone()).await?;
        Ok(unshared(bytes, content_type))
    }
}

/// Whether what is asked for with a key's rights is no key.
fn is_preparation(target: Target<'_>, request: &PlayRequest<'_>) -> bool {
    match (target, &request.body) {
        (Target::License { system }, Ok(body)) => licenses::is_preparation(system, body),
        _ => false,
    }
}

fn unshared(bytes: Bytes, content_type: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::full(bytes));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response.headers_mut().insert(CACHE_CONTROL, NO_STORE);
    response
}

fn license_bytes_max(path: &str) -> usize {
    if path.ends_with("/clearkey") { LICENSE_REQUEST_BYTES_MAX } else { LICENSE_CHALLENGE_BYTES_MAX }
}

/// The body of a licence request to `path`; 413 or 400 where it is too long or ends early.
pub async fn read_license_request<B>(path: &str, body: B) -> std::result::Result<Bytes, StatusCode>
where
    B: http_body::Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let body = Limited::new(body, license_bytes_max(path)).collect().await;
    body.map(Collected::to_bytes).map_err(|error| {
        if error.is::<LengthLimitError>() { StatusCode::PAYLOAD_TOO_LARGE } else { StatusCode::BAD_REQUEST }
    })
}

fn playlist(playlist: Playlist) -> Entity {
    Entity {
        content_type: HeaderValue::from_static("application/vnd.apple.mpegurl"),
        cache_control: NO_STORE,
        etag: playlist.etag,
        identity: playlist.identity,
        gzip: Some(playlist.gzip),
    }
}

fn media(media: Media) -> Entity {
    Entity {
        content_type: HeaderValue::from_static(media.content_type),
        cache_control: IMMUTABLE,
        etag: media.etag,
        identity: media.bytes,
        gzip: None,
    }
}

fn refused(refusal: Refusal, request_id: &str) -> Response<Body> {
    let problem = match refusal {
        Refusal::Token(TokenRefusal::Invalid) => Problem::new(
            StatusCode::UNAUTHORIZED,
            "TOKEN_INVALID",
            "This is no playback token of this server. Press Play to get one.",
        ),
        Refusal::Token(TokenRefusal::Expired) => Problem::new(
            StatusCode::UNAUTHORIZED,
            "TOKEN_EXPIRED",
            "This playback is over. Press Play to start another.",
        ),
        Refusal::NotFound => not_found(),
        Refusal::CardRunning(left) => {
            let detail = "The release card is running; the film's keys are given out when it is over.";
            let seconds = left.as_millis().div_ceil(1000) as u64;
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "CARD_RUNNING", detail)
                .with_header(RETRY_AFTER, seconds.into())
        }
        Refusal::Denied(code) => denied::problem(&Denial::of(code)),
        Refusal::Failed(error) => return respond::error(&error, Some(request_id)),
    };
    problem.with_request_id(Some(request_id)).into_response()
}

fn not_found() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "MEDIA_NOT_FOUND", "There is nothing here.")
}
