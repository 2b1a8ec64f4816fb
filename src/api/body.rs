//! What a request carries, read strictly: a JSON body within its limit and without unknown fields, a query, an id in the
//! path. Every refusal is a problem that says where.

use axum::body::{Body, to_bytes};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

use crate::api::idempotency::digest;
use crate::api::problem::Problem;
use crate::base::limits;

/// A JSON body, and a digest of the whole request for its idempotency key.
pub struct JsonBody<T> {
    pub value: T,
    pub digest: String,
}

/// A field of an edit: one that is not named keeps what is there, so that null can mean "take it away".
#[derive(Clone, Debug, Default)]
pub enum Edit<T> {
    #[default]
    Keep,
    Set(T),
}

impl<T> Edit<T> {
    pub fn of(self, before: T) -> T {
        match self {
            Edit::Keep => before,
            Edit::Set(after) => after,
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Edit<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Edit<T>, D::Error> {
        T::deserialize(deserializer).map(Edit::Set)
    }
}

/// A JSON body of a page that may be closing: a beacon says that it is text.
pub struct BeaconBody<T>(pub T);

/// A query without unknown parameters.
pub struct QueryOf<T>(pub T);

/// An id in the path. What cannot be an id is nothing anybody may know of: 404.
pub struct Id<T>(pub T);

impl<S, T> FromRequest<S> for JsonBody<T>
where
    S: Send + Sync,
    T: DeserializeOwned,
{
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<JsonBody<T>, Problem> {
        let (parts, body) = request.into_parts();
        require_type(&parts.headers, &["application/json"], "Send JSON with Content-Type: application/json.")?;
        let bytes = read_all(body, limits::JSON_BODY_BYTES_MAX).await?;
        let digest = digest(&[parts.method.as_str().as_bytes(), parts.uri.path().as_bytes(), &bytes]);
        Ok(JsonBody { value: parse(&bytes)?, digest })
    }
}

impl<S, T> FromRequest<S> for BeaconBody<T>
where
    S: Send + Sync,
    T: DeserializeOwned,
{
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<BeaconBody<T>, Problem> {
        let (parts, body) = request.into_parts();
        let detail = "Send JSON with Content-Type: application/json or text/plain.";
        require_type(&parts.headers, &["application/json", "text/plain"], detail)?;
        Ok(BeaconBody(parse(&read_all(body, limits::JSON_BODY_BYTES_MAX).await?)?))
    }
}

impl<S, T> FromRequestParts<S> for QueryOf<T>
where
    S: Send + Sync,
    T: DeserializeOwned,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<QueryOf<T>, Problem> {
        let Query(value) = Query::try_from_uri(&parts.uri)
            .map_err(|rejection| Problem::new(StatusCode::BAD_REQUEST, "QUERY_INVALID", rejection.body_text()))?;
        Ok(QueryOf(value))
    }
}

impl<S, T> FromRequestParts<S> for Id<T>
where
    S: Send + Sync,
    T: DeserializeOwned + Send,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Id<T>, Problem> {
        let Path(id) = Path::from_request_parts(parts, state).await.map_err(|_| Problem::not_found())?;
        Ok(Id(id))
    }
}

/// The whole body, if it is within `limit`.
pub async fn read_all(body: Body, limit: usize) -> Result<Bytes, Problem> {
    to_bytes(body, limit).await.map_err(|error| {
        if std::error::Error::source(&error)
            .is_some_and(<dyn std::error::Error>::is::<http_body_util::LengthLimitError>)
        {
            Problem::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "BODY_TOO_LARGE",
                format!("The body has more than {limit} bytes."),
            )
        } else {
            Problem::new(StatusCode::BAD_REQUEST, "BODY_INCOMPLETE", "The body did not arrive whole.")
        }
    })
}

/// Refuses a body that says that it is something else; `detail` says what to send.
pub fn require_type(headers: &HeaderMap, types: &[&str], detail: &str) -> Result<(), Problem> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if types.iter().any(|known| essence.eq_ignore_ascii_case(known)) {
        return Ok(());
    }
    let problem = Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "CONTENT_TYPE_UNSUPPORTED", detail);
    Err(problem.with_param("Content-Type"))
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // A list would be taken for the fields of an object in their order.
    if bytes.trim_ascii_start().first() == Some(&b'[') {
        let detail = "The body is a list; an object with named fields was expected.";
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "FIELD_INVALID", detail));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        if !inner.is_data() {
            return not_json(&inner);
        }
        let (path, detail) = (path.trim_matches('.').to_owned(), inner.to_string());
        let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "FIELD_INVALID", format!("{detail}."));
        match missing_field(&detail) {
            Some(field) if path.is_empty() => problem.with_param(field),
            Some(field) => problem.with_param(format!("{path}.{field}")),
            None if path.is_empty() => problem,
            None => problem.with_param(path),
        }
    })?;
    deserializer.end().map_err(|error| not_json(&error))?;
    Ok(value)
}

fn not_json(error: &serde_json::Error) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "JSON_INVALID", format!("The body is not JSON: {error}."))
}

fn missing_field(detail: &str) -> Option<&str> {
    detail.strip_prefix("missing field `")?.split('`').next()
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only parsed")]
    struct Outer {
        inner: Inner,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only parsed")]
    struct Inner {
        count: u32,
    }

    #[test]
    fn a_wrong_field_is_named_by_its_path() {
        let refused = |json: &str| {
            let body: serde_json::Value =
                serde_json::from_slice(&parse::<Outer>(json.as_bytes()).unwrap_err().render("req_1")).unwrap();
            (body["status"].as_u64().unwrap(), body["code"].clone(), body["param"].clone())
        };
        assert_eq!(refused("{"), (400, "JSON_INVALID".into(), serde_json::Value::Null));
        assert_eq!(refused(r#"{"inner":{"count":1}} x"#), (400, "JSON_INVALID".into(), serde_json::Value::Null));
        assert_eq!(refused(r#" [{"count":1}]"#), (422, "FIELD_INVALID".into(), serde_json::Value::Null));
        assert_eq!(refused("{}"), (422, "FIELD_INVALID".into(), "inner".into()));
        assert_eq!(refused(r#"{"inner":{}}"#), (422, "FIELD_INVALID".into(), "inner.count".into()));
        assert_eq!(refused(r#"{"inner":{"count":"one"}}"#), (422, "FIELD_INVALID".into(), "inner.count".into()));
        assert_eq!(refused(r#"{"inner":{"count":1,"x":2}}"#), (422, "FIELD_INVALID".into(), "inner.x".into()));
    }
}
