//! Problem details after RFC 9457. A [`Problem`] is the only error answer there is; [`crate::api::frame`] adds the
//! request id and renders it.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{HeaderName, HeaderValue};
use http::{StatusCode, header};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::api::titles::NextBody;
use crate::base::error::Error;
use crate::http::respond;
use crate::playback::denied;
use crate::rights::denial::Denial;

/// What an error answer says.
#[derive(Clone, Debug)]
pub struct Problem(Box<Parts>);

#[derive(Clone, Debug)]
struct Parts {
    problem: respond::Problem,
    /// For the log only.
    log_line: Option<String>,
}

/// Problem details after RFC 9457.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody {
    /// Always `about:blank`: `code` tells problems apart.
    #[serde(rename = "type")]
    pub kind: String,
    pub title: String,
    pub status: u16,
    /// One sentence for a person: what is the case and what to do.
    pub detail: String,
    /// Stable, upper case.
    pub code: String,
    /// The field, header or parameter at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub param: Option<String>,
    pub request_id: String,
    /// Of a denial: the rule that fired.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Of a denial: what would help.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<Vec<NextBody>>,
    /// Of `ROLE_REQUIRED`: the least role that would do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Of a declined payment: the purchase.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purchase_id: Option<String>,
    /// Of a refused avail: what it met.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Object>>)]
    pub conflicts: Option<Vec<Value>>,
}

impl Problem {
    pub fn new(status: StatusCode, code: impl AsRef<str>, detail: impl AsRef<str>) -> Problem {
        Problem::from(respond::Problem::new(status, code.as_ref(), detail.as_ref()))
    }

    /// A refusal of entitlement or sale.
    pub fn denied(denial: &Denial) -> Problem {
        Problem::from(denied::problem(denial))
    }

    /// No valid credentials.
    pub fn unauthenticated() -> Problem {
        Problem::new(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED", "Sign in, or send a valid API token.")
            .with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
    }

    /// Nothing the caller may know of.
    pub fn not_found() -> Problem {
        Problem::new(StatusCode::NOT_FOUND, "NOT_FOUND", "There is nothing here.")
    }

    /// Too many of these from this caller.
    pub fn too_many(retry_after: std::time::Duration) -> Problem {
        let seconds = retry_after.as_millis().div_ceil(1000).max(1);
        Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            "RATE_LIMITED",
            format!("Too many attempts in a short time. Try again in {seconds} seconds."),
        )
        .with_header(header::RETRY_AFTER, number(seconds as u64))
    }

    pub fn with_param(self, param: impl AsRef<str>) -> Problem {
        self.map(|problem| problem.with_param(Some(param.as_ref())))
    }

    /// Adds an extension member.
    pub fn with(self, name: &str, value: Value) -> Problem {
        self.map(|problem| problem.with(name, value))
    }

    pub fn with_header(self, name: HeaderName, value: HeaderValue) -> Problem {
        self.map(|problem| problem.with_header(name, value))
    }

    pub fn code(&self) -> &str {
        self.0.problem.code()
    }

    pub fn status(&self) -> StatusCode {
        self.0.problem.status()
    }

    pub fn log_line(&self) -> Option<&str> {
        self.0.log_line.as_deref()
    }

    /// The body as it is sent.
    pub fn render(&self, request_id: &str) -> Vec<u8> {
        self.0.problem.clone().with_request_id(Some(request_id)).to_json().into_bytes()
    }

    fn map(self, change: impl FnOnce(respond::Problem) -> respond::Problem) -> Problem {
        let Parts { problem, log_line } = *self.0;
        Problem(Box::new(Parts { problem: change(problem), log_line }))
    }
}

impl From<respond::Problem> for Problem {
    fn from(problem: respond::Problem) -> Problem {
        Problem(Box::new(Parts { problem, log_line: None }))
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Problem {
        let mut problem = Problem::from(respond::Problem::of(&error));
        problem.0.log_line = problem.status().is_server_error().then(|| error.log_line());
        problem
    }
}

impl IntoResponse for Problem {
    /// Without a body: the frame renders it.
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.status();
        response.headers_mut().extend(self.0.problem.headers().clone());
        response.extensions_mut().insert(self);
        response
    }
}

/// The answer to a path that is no route.
pub async fn no_route() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "ROUTE_NOT_FOUND", "There is no such route.")
}

/// The answer to a method that the route does not have; `Allow` names those it has.
pub async fn no_method() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", "This route does not have that method.")
}

fn number(value: u64) -> HeaderValue {
    HeaderValue::from(value)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::rights::denial::DenialCode;

    #[test]
    fn what_is_internal_is_not_in_the_body() {
        let error = Error::internal("the disk is on fire").with_param("film");
        let problem = Problem::from(error);
        let body: Value = serde_json::from_slice(&problem.render("req_1")).unwrap();
        assert_eq!(
            body,
            json!({"type": "about:blank", "title": "Internal Server Error", "status": 500,
                "detail": "Something went wrong on our side; it has been logged.", "code": "INTERNAL",
                "param": "film", "request_id": "req_1"})
        );
        assert!(problem.log_line().unwrap().contains("on fire"));
    }

    #[test]
    fn a_denial_says_its_rule_and_what_would_help() {
        let problem = Problem::denied(&Denial::of(DenialCode::GeoNotLicensed));
        let body: Value = serde_json::from_slice(&problem.render("req_1")).unwrap();
        assert_eq!(body["status"], 403);
        assert_eq!(body["rule"], "territory");
        assert_eq!(body["next"], json!([]));
        assert_eq!(Problem::denied(&Denial::of(DenialCode::TitleWithdrawn)).status(), StatusCode::GONE);
    }
}
