//! Answers: the only map from [`ErrorKind`] to a status, problem details (RFC 9457), and the headers every answer of a
//! kind carries. A failure is logged here, once, where it is answered.

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, CACHE_CONTROL, CONTENT_TYPE, REFERRER_POLICY, RETRY_AFTER,
    WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use serde_json::{Map, Value};

use crate::base::error::{Error, ErrorKind};
use crate::http::body::Body;
use crate::http::refusal::Refusal;

const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// The status of an operating error.
pub fn status_of(kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::Invalid => StatusCode::BAD_REQUEST,
        ErrorKind::Unprocessable => StatusCode::UNPROCESSABLE_ENTITY,
        ErrorKind::Unsupported => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ErrorKind::Unauthorized => StatusCode::UNAUTHORIZED,
        ErrorKind::Forbidden => StatusCode::FORBIDDEN,
        ErrorKind::NotFound => StatusCode::NOT_FOUND,
        ErrorKind::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        ErrorKind::Conflict => StatusCode::CONFLICT,
        ErrorKind::Gone => StatusCode::GONE,
        ErrorKind::Precondition => StatusCode::PRECONDITION_FAILED,
        ErrorKind::Range => StatusCode::RANGE_NOT_SATISFIABLE,
        ErrorKind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorKind::TooMany => StatusCode::TOO_MANY_REQUESTS,
        ErrorKind::StorageFull => StatusCode::INSUFFICIENT_STORAGE,
        ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        ErrorKind::Timeout => StatusCode::GATEWAY_TIMEOUT,
        ErrorKind::Config | ErrorKind::CheckFailed | ErrorKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// A problem detail in the making. `type` is `about:blank`, so `title` is the status's phrase and `code`, an extension
/// member, is what a program looks at.
#[derive(Clone, Debug)]
pub struct Problem {
    status: StatusCode,
    members: Map<String, Value>,
    headers: HeaderMap,
}

impl Problem {
    /// `code` is stable and upper-case; `detail` is a sentence for whoever made the request.
    pub fn new(status: StatusCode, code: &str, detail: &str) -> Problem {
        let mut members = Map::new();
        members.insert("type".to_owned(), "about:blank".into());
        members.insert("title".to_owned(), status.canonical_reason().unwrap_or("Error").into());
        members.insert("status".to_owned(), status.as_u16().into());
        members.insert("detail".to_owned(), detail.into());
        members.insert("code".to_owned(), code.into());
        let mut headers = HeaderMap::new();
        // RFC 9110 wants a challenge with 401, and a client that has to come back should know when.
        match status {
            StatusCode::UNAUTHORIZED => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("2"));
            }
            StatusCode::TOO_MANY_REQUESTS => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("10"));
            }
            _ => {}
        }
        Problem { status, members, headers }
    }

    pub fn of(error: &Error) -> Problem {
        Problem::new(status_of(error.kind()), error.code(), error.message()).with_param(error.param())
    }

    /// The field, header or argument at fault.
    pub fn with_param(self, param: Option<&str>) -> Problem {
        match param {
            Some(param) => self.with("param", param),
            None => self,
        }
    }

    pub fn with_request_id(self, request_id: Option<&str>) -> Problem {
        match request_id {
            Some(request_id) => self.with("request_id", request_id),
            None => self,
        }
    }

    /// An extension member (the next offer of a denial, the opening time of a window).
    pub fn with(mut self, member: &str, value: impl Into<Value>) -> Problem {
        self.members.insert(member.to_owned(), value.into());
        self
    }

    /// A header beside the detail (`Allow`, `Retry-After`, `Content-Range`).
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Problem {
        self.headers.insert(name, value);
        self
    }

    pub fn status(&self) -> StatusCode {
        self.status
    }

    pub fn code(&self) -> &str {
        self.members.get("code").and_then(Value::as_str).unwrap_or_default()
    }

    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The body, as JSON.
    pub fn to_json(&self) -> String {
        Value::Object(self.members.clone()).to_string()
    }

    pub fn into_response(self) -> Response<Body> {
        let mut response = Response::new(Body::full(Value::Object(self.members).to_string()));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response.headers_mut().insert(CONTENT_TYPE, PROBLEM_JSON);
        response.headers_mut().insert(CACHE_CONTROL, NO_STORE);
        response
    }
}

/// Answers an operating error, and logs it.
pub fn error(error: &Error, request_id: Option<&str>) -> Response<Body> {
    let status = status_of(error.kind());
    let request_id_text = request_id.unwrap_or("-");
    match error.kind() {
        ErrorKind::Internal | ErrorKind::CheckFailed | ErrorKind::Config => {
            tracing::error!(request_id = request_id_text, "{}", error.log_line());
        }
        ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::StorageFull => {
            tracing::warn!(request_id = request_id_text, "{}", error.log_line());
        }
        _ => tracing::debug!(request_id = request_id_text, %status, "{}", error.log_line()),
    }
    Problem::of(error).with_request_id(request_id).into_response()
}

/// Answers a request that never reaches a handler; the connection is closed after it.
pub fn refused(refusal: Refusal) -> Response<Body> {
    tracing::debug!(code = refusal.code(), "request refused");
    let problem = Problem::new(refusal.status(), refusal.code(), refusal.detail());
    match refusal {
        // No method is named: which ones a resource has is not known here, and RFC 9110 allows an empty list.
        Refusal::MethodRefused => problem.with_header(http::header::ALLOW, HeaderValue::from_static("")),
        _ => problem,
    }
    .into_response()
}

/// What every response carries unless its handler said otherwise. The listener calls it.
pub fn secure(headers: &mut HeaderMap) {
    headers.entry(X_CONTENT_TYPE_OPTIONS).or_insert(HeaderValue::from_static("nosniff"));
    // A playback token stands in the path, and a path is what a referrer tells.
    headers.entry(REFERRER_POLICY).or_insert(HeaderValue::from_static("no-referrer"));
}

/// Lets pages of any origin read this response: what is served is told by its URL, never by cookies.
pub fn allow_any_origin(headers: &mut HeaderMap) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(
        ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static("Content-Length, Content-Range, ETag, Date, Age, Retry-After"),
    );
}

/// The answer to a preflight (OPTIONS) for a resource of any origin with these methods.
pub fn preflight(methods: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(methods));
    headers.insert(
        ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static("Range, If-Range, If-None-Match, If-Match, Content-Type, Authorization, CMCD-Request, CMCD-Object, CMCD-Status, CMCD-Session"),
    );
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;

    async fn text_of(response: Response<Body>) -> String {
        String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
    }

    #[tokio::test]
    async fn a_problem_tells_what_a_client_may_know_and_no_more() {
        let failure = Error::new(ErrorKind::Conflict, "OFFER_CLOSED", "The offer has closed.")
            .with_param("offer_id")
            .with_internal("row 7")
            .with_source(io_error());
        let response = error(&failure, Some("req_1"));
        assert_eq!(response.status(), StatusCode::CONFLICT);
        assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json");
        assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
        assert_eq!(
            text_of(response).await,
            r#"{"type":"about:blank","title":"Conflict","status":409,"detail":"The offer has closed.","code":"OFFER_CLOSED","param":"offer_id","request_id":"req_1"}"#
        );
    }

    fn io_error() -> std::io::Error {
        std::io::Error::other("disk")
    }

    #[tokio::test]
    async fn extension_members_and_headers_ride_along() {
        let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "SLOW_DOWN", "Later.")
            .with("opens_at", "2027-01-01T00:00:00Z")
            .with_header(RETRY_AFTER, HeaderValue::from_static("30"));
        let response = problem.into_response();
        assert_eq!(response.headers()[RETRY_AFTER], "30");
        assert!(text_of(response).await.ends_with(r#""opens_at":"2027-01-01T00:00:00Z"}"#));
    }

    #[test]
    fn some_statuses_bring_the_header_they_need() {
        let response = |kind| error(&Error::new(kind, "X", "x"), None);
        assert_eq!(response(ErrorKind::Unauthorized).headers()[WWW_AUTHENTICATE], "Bearer");
        assert!(response(ErrorKind::Unavailable).headers().contains_key(RETRY_AFTER));
        assert!(response(ErrorKind::TooMany).headers().contains_key(RETRY_AFTER));
    }

    #[test]
    fn a_handler_may_say_otherwise() {
        let mut headers = HeaderMap::new();
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
        secure(&mut headers);
        assert_eq!(headers[REFERRER_POLICY], "same-origin");
        assert_eq!(headers[X_CONTENT_TYPE_OPTIONS], "nosniff");
    }
}
