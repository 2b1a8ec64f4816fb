//! Who makes a request: a bearer token, or the cookie of sign-in. Viewers and operators have cookies of their own, so that
//! one browser can be both. With a cookie an unsafe method needs an `Origin` of this server, so that no other site can
//! act for anybody.

use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{HeaderMap, StatusCode, Uri, header};

use crate::api::partners::{reporter, token_invalid};
use crate::api::problem::Problem;
use crate::api::role::require;
use crate::api::{Api, AsApi};
use crate::base::error::Error;
use crate::base::id::{OperatorId, PartyId, ViewerId};
use crate::commerce::account::device::device_name;
use crate::commerce::account::token::is_of_console;
use crate::commerce::account::{Caller, Visit};
use crate::playback::place::Place;
use crate::store::db::operator::Role;

/// Where a viewer's token stands in a browser.
pub const COOKIE: &str = "__Host-marquee";
/// Where an operator's stands.
pub const CONSOLE_COOKIE: &str = "__Host-marquee-console";

/// Anybody; `None` is nobody signed in.
pub struct Anyone(pub Option<Caller>);

/// A viewer, or 401.
pub struct AViewer {
    pub id: ViewerId,
    pub caller: Caller,
}

/// An operator of any role who reads, or 401; a viewer is told 403. A route that writes says more: see
/// [`crate::api::role`].
pub struct AnOperator {
    pub id: OperatorId,
    pub caller: Caller,
    pub role: Role,
}

/// Another party: somebody of it who has signed in at the console's door, or a token that it has signed.
pub struct AParty {
    pub id: PartyId,
    /// Under whom audit lines stand.
    pub actor: String,
}

/// Where the request comes from, as the listener found it.
pub struct At(pub Place);

impl<S: AsApi> FromRequestParts<S> for Anyone {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Anyone, Problem> {
        Ok(Anyone(identify(state.api(), parts, COOKIE).await?))
    }
}

impl<S: AsApi> FromRequestParts<S> for AViewer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<AViewer, Problem> {
        match identify(state.api(), parts, COOKIE).await? {
            Some(caller @ Caller::Viewer { id, .. }) => Ok(AViewer { id, caller }),
            Some(Caller::Operator { .. }) => {
                Err(wrong_role("VIEWER_REQUIRED", "This is a viewer's; use a viewer's token."))
            }
            None => Err(Problem::unauthenticated()),
        }
    }
}

impl<S: AsApi> FromRequestParts<S> for AnOperator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<AnOperator, Problem> {
        let operator = any_operator(state.api(), parts).await?;
        // A handler that writes and forgot to say whose it is must not be everybody's.
        require(&operator, if parts.method.is_safe() { Role::ReadOnly } else { Role::Operator })?;
        Ok(operator)
    }
}

impl<S: AsApi> FromRequestParts<S> for AParty {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<AParty, Problem> {
        if parts.headers.contains_key(header::AUTHORIZATION) {
            let visit = Visit::from_request_parts(parts, state).await?;
            let id = reporter(state.api(), &parts.headers, &visit).await?;
            return Ok(AParty { id, actor: id.to_string() });
        }
        match any_operator(state.api(), parts).await {
            Ok(AnOperator { id, role: Role::Party(party_id), .. }) => {
                Ok(AParty { id: party_id, actor: id.to_string() })
            }
            Ok(_) => Err(wrong_role("PARTY_REQUIRED", "This is for people of another party; you are of the house.")),
            Err(problem) if problem.status() == StatusCode::UNAUTHORIZED => Err(token_invalid()),
            Err(problem) => Err(problem),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Visit {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Visit, Problem> {
        let At(place) = At::from_request_parts(parts, state).await?;
        let user_agent = parts.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
        Ok(Visit { address: place.address, device: device_name(user_agent) })
    }
}

impl<S: Sync> FromRequestParts<S> for At {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<At, Problem> {
        let place = parts.extensions.get::<Place>().copied();
        place.map(At).ok_or_else(|| Error::internal("the listener gave no place").into())
    }
}

/// Refuses a browser's request that another site has made. A request without `Origin` comes from no browser, or is a
/// safe one.
pub fn refuse_foreign_origin(headers: &HeaderMap, uri: &Uri) -> Result<(), Problem> {
    match headers.get(header::ORIGIN) {
        Some(_) if !is_same_origin(headers, uri) => Err(cross_origin()),
        _ => Ok(()),
    }
}

/// Whoever has an account at the console's door.
pub async fn any_operator(api: &Api, parts: &Parts) -> Result<AnOperator, Problem> {
    match identify(api, parts, CONSOLE_COOKIE).await? {
        Some(caller @ Caller::Operator { id, role, .. }) => Ok(AnOperator { id, caller, role }),
        Some(Caller::Viewer { .. }) => Err(wrong_role("OPERATOR_REQUIRED", "This needs an operator's token.")),
        None => Err(Problem::unauthenticated()),
    }
}

/// Who calls, by a bearer token or the cookie of this name.
async fn identify(api: &Api, parts: &Parts, cookie_name: &str) -> Result<Option<Caller>, Problem> {
    if let Some(value) = parts.headers.get(header::AUTHORIZATION) {
        let secret = value.to_str().ok().and_then(bearer).ok_or_else(Problem::unauthenticated)?;
        if is_of_console(secret) {
            return Err(Problem::unauthenticated());
        }
        let caller = api.accounts.authenticate(secret).await?;
        return caller.map(Some).ok_or_else(Problem::unauthenticated);
    }
    let Some(secret) = cookie(&parts.headers, cookie_name) else { return Ok(None) };
    // A cookie that ran out is nobody's, not an error: the page must still load. A program's token is never a cookie.
    let belongs_here = |caller: &Caller| match caller {
        Caller::Viewer { .. } => cookie_name == COOKIE,
        Caller::Operator { .. } => cookie_name == CONSOLE_COOKIE && is_of_console(secret),
    };
    let Some(caller) = api.accounts.authenticate(secret).await?.filter(belongs_here) else { return Ok(None) };
    if !parts.method.is_safe() && !is_same_origin(&parts.headers, &parts.uri) {
        return Err(cross_origin());
    }
    Ok(Some(caller))
}

pub fn bearer(value: &str) -> Option<&str> {
    let (scheme, secret) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| secret.trim())
}

/// What the cookie of this name holds.
pub fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
}

/// The `Origin` names the host that was asked. A page over plain HTTP is trusted on this machine only.
fn is_same_origin(headers: &HeaderMap, uri: &Uri) -> bool {
    let text = |name| headers.get(name).and_then(|value: &http::HeaderValue| value.to_str().ok());
    let host = uri.authority().map(http::uri::Authority::as_str).or_else(|| text(header::HOST));
    let (Some(origin), Some(host)) = (text(header::ORIGIN), host) else { return false };
    match origin.split_once("://") {
        Some(("https", authority)) => authority.eq_ignore_ascii_case(host),
        Some(("http", authority)) => authority.eq_ignore_ascii_case(host) && is_this_machine(authority),
        _ => false,
    }
}

fn is_this_machine(authority: &str) -> bool {
    let name = match authority.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => authority,
    };
    // RFC 6761: names below `localhost` are this machine too, as browsers take them.
    matches!(name, "localhost" | "127.0.0.1" | "[::1]") || name.strip_suffix(".localhost").is_some_and(is_host_name)
}

fn is_host_name(name: &str) -> bool {
    name.split('.')
        .all(|label| !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'))
}

fn wrong_role(code: &str, detail: &str) -> Problem {
    Problem::new(StatusCode::FORBIDDEN, code, detail)
}

fn cross_origin() -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "CROSS_ORIGIN",
        "With the cookie of sign-in this needs an Origin header of this server.",
    )
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn an_origin_is_the_same_when_scheme_host_and_port_are() {
        let is_same = |origin: &'static str, host: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ORIGIN, HeaderValue::from_static(origin));
            headers.insert(header::HOST, HeaderValue::from_static(host));
            is_same_origin(&headers, &Uri::from_static("/api/v1/purchases"))
        };
        assert!(is_same("https://films.example", "films.example"));
        assert!(is_same("http://127.0.0.1:8080", "127.0.0.1:8080"));
        assert!(is_same("http://[::1]:8080", "[::1]:8080"));
        assert!(is_same("http://arthouse.localhost:8080", "arthouse.localhost:8080"));
        assert!(!is_same("http://arthouse.localhost:8080", "localhost:8080"));
        assert!(!is_same("http://localhost.evil.example", "localhost.evil.example"));
        assert!(!is_same("http://evil.example?.localhost", "evil.example?.localhost"));
        assert!(!is_same("http://.localhost", ".localhost"));
        assert!(!is_same("http://films.example", "films.example"));
        assert!(!is_same("https://evil.example", "films.example"));
        assert!(!is_same("https://films.example:444", "films.example"));
        assert!(!is_same("https://films.example.evil.example", "films.example"));
        assert!(!is_same("null", "films.example"));
    }

    #[test]
    fn the_cookie_is_found_among_others_by_its_whole_name() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, HeaderValue::from_static("a=1; __Host-marquee2=no"));
        headers.append(header::COOKIE, HeaderValue::from_static("b=2; __Host-marquee=yes"));
        headers.append(header::COOKIE, HeaderValue::from_static("__Host-marquee-console=theirs"));
        assert_eq!(cookie(&headers, COOKIE), Some("yes"));
        assert_eq!(cookie(&headers, CONSOLE_COOKIE), Some("theirs"));
        assert_eq!(bearer("bearer mqv"), Some("mqv"));
        assert_eq!(bearer("Basic mqv"), None);
    }
}
