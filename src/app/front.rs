//! The front door: one request in, and whichever room answers it. Playback goes straight to the origin; everything else
//! may take longer.

use std::sync::Arc;

use axum::Router;
use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, Uri};
use tower::ServiceExt;

use crate::app::App;
use crate::base::clock::Clock;
use crate::http::body::Body;
use crate::http::host::host;
use crate::http::peer::{Peer, Proxies};

use crate::http::respond::Problem;
use crate::http::service::{Handler, Request};
use crate::origin::serve::{self, Origin, PlayRequest};
use crate::playback::follower::Follower;
use crate::playback::place::{Place, Places};
use crate::web;

/// What every connection's requests come to.
#[derive(Clone)]
pub struct Front(Arc<Rooms>);

struct Rooms {
    clock: Clock,
    origin: Arc<Origin>,
    places: Arc<Places>,
    follower: Arc<Follower>,
    proxies: Proxies,
    country_header: Option<HeaderName>,
    api: Router,
}

impl Front {
    pub fn new(app: &App) -> Front {
        let country_header = app.config.place.country_header.as_deref();
        Front(Arc::new(Rooms {
            clock: app.clock.clone(),
            origin: app.origin.clone(),
            places: app.places.clone(),
            follower: app.follower.clone(),
            proxies: Proxies::new(app.config.http.trusted_proxies.clone()),
            country_header: country_header.and_then(|name| HeaderName::try_from(name).ok()),
            api: app.router(),
        }))
    }
}

impl Handler for Front {
    async fn handle(&self, request: Request, peer: Peer) -> Response<Body> {
        let rooms = &*self.0;
        let place = rooms.place(&peer, request.uri(), request.headers());
        if request.uri().path().starts_with("/play/") {
            let (request, body) = request.into_parts();
            let body = match request.method {
                // Boxed because it is rare: only a licence is asked for with POST.
                Method::POST => Box::pin(serve::read_license_request(request.uri.path(), body)).await,
                _ => Ok(Bytes::new()),
            };
            let play = PlayRequest {
                method: &request.method,
                path: request.uri.path(),
                query: request.uri.query(),
                headers: &request.headers,
                body,
                place,
                clock: &rooms.clock,
            };
            return rooms.origin.serve(&play).await;
        }
        if let Some(asset) = web::page(request.uri().path()) {
            return page(&asset, request.method(), request.headers());
        }
        let mut request = request;
        request.extensions_mut().insert(place);
        match rooms.api.clone().oneshot(request.map(axum::body::Body::new)).await {
            Ok(response) => response.map(Body::stream),
            Err(never) => match never {},
        }
    }
}

impl Rooms {
    /// A country header counts only when a configured proxy has set it. The storefront is looked for only where the
    /// address is not enough.
    fn place(&self, peer: &Peer, uri: &Uri, headers: &HeaderMap) -> Place {
        let address = self.proxies.client_address(peer, headers);
        let country = self
            .country_header
            .as_ref()
            .filter(|_| self.proxies.contains(peer.address.ip()))
            .and_then(|name| headers.get(name)?.to_str().ok());
        self.places
            .find(address, country, || self.follower.snapshot().storefronts().at(host(uri, headers)).default_territory)
    }
}

fn page(asset: &web::Asset, method: &Method, headers: &HeaderMap) -> Response<Body> {
    if !matches!(*method, Method::GET | Method::HEAD) {
        return Problem::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", "A page is read with GET or HEAD.")
            .with_header(http::header::ALLOW, HeaderValue::from_static("GET, HEAD"))
            .into_response();
    }
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let body = asset.body(text(ACCEPT_ENCODING));
    let is_same = text(IF_NONE_MATCH).is_some_and(|tags| asset.not_modified(tags));
    let mut response = if is_same {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        let mut response = Response::new(Body::full(body.bytes));
        if let Some(encoding) = body.content_encoding {
            response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
        }
        response
    };
    let answer = response.headers_mut();
    answer.insert(CONTENT_TYPE, HeaderValue::from_static(asset.content_type));
    answer.insert(CACHE_CONTROL, HeaderValue::from_static(asset.cache_control));
    answer.insert(VARY, HeaderValue::from_static("accept-encoding"));
    if let Ok(etag) = HeaderValue::try_from(&*asset.etag) {
        answer.insert(ETAG, etag);
    }
    if let Some(policy) = asset.csp {
        answer.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    }
    for (name, value) in web::SECURITY_HEADERS {
        answer.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    response
}
