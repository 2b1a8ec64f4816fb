//! The frame around every answer: a request id, the problem's body, the security headers, the metrics, and the one log
//! line of a failure.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::{self, HeaderName, HeaderValue};

use crate::api::Api;
use crate::api::problem::Problem;
use crate::base::id::RequestId;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

/// Headers of every answer that does not say otherwise.
const DEFAULTS: [(HeaderName, HeaderValue); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
];

/// The middleware.
pub async fn frame(State(api): State<Arc<Api>>, mut request: Request, next: Next) -> Response {
    let request_id = match request.extensions().get::<RequestId>() {
        Some(id) => *id,
        None => RequestId::new(api.clock.now()),
    };
    request.extensions_mut().insert(request_id);
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or("unmatched", MatchedPath::as_str);
    let method = request.method().clone();
    let id = request_id.to_string();

    let mut response = next.run(request).await;
    api.metrics.count_request(route, response.status());
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        if let Some(line) = problem.log_line() {
            tracing::error!(request_id = id, %method, route, error = line, "a request failed");
        }
        let is_head = method == http::Method::HEAD;
        *response.body_mut() = if is_head { Body::empty() } else { Body::from(problem.render(&id)) };
        response.headers_mut().insert(header::CONTENT_TYPE, PROBLEM_JSON);
    }
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::try_from(id) {
        headers.insert(X_REQUEST_ID, id);
    }
    for (name, value) in DEFAULTS {
        headers.entry(name).or_insert(value);
    }
    response
}
