//! The brand that a request is for, by its `Host`.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRequestParts, State};
use http::request::Parts;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::caller::At;
use crate::api::problem::Problem;
use crate::api::{Api, AsApi};
use crate::base::territory::Territory;
use crate::catalog::storefront::{Storefront, Theme, split_port};
use crate::http::host::host;

/// The storefront of a request, and the host it was asked at.
pub struct AtStorefront {
    pub storefront: Arc<Storefront>,
    pub host: String,
}

#[derive(Serialize, ToSchema)]
#[schema(as = StorefrontPublic)]
pub struct StorefrontBody {
    slug: String,
    /// By BCP 47 language tag.
    name: BTreeMap<String, String>,
    tagline: BTreeMap<String, String>,
    /// The first is for whoever has not chosen.
    languages: Vec<String>,
    #[schema(pattern = "^[A-Z]{3}$")]
    currency: String,
    #[schema(pattern = "^#[0-9a-f]{6}$")]
    accent: String,
    #[schema(value_type = ThemeBody)]
    theme: Theme,
    /// Where the request comes from; null when that is unknown.
    territory: Option<Territory>,
    /// Whether this storefront sells to that territory.
    serves_here: bool,
    /// Where it does not: those that do.
    others: Vec<OtherBody>,
    livemode: bool,
    payment_methods: Vec<String>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = OtherStorefront)]
pub struct OtherBody {
    name: BTreeMap<String, String>,
    /// Without a scheme (`//host/`); null where it has no host.
    url: Option<String>,
}

/// What pages look like before a visitor chooses.
#[derive(ToSchema)]
#[schema(as = Theme, rename_all = "snake_case")]
pub enum ThemeBody {
    Auto,
    Light,
    Dark,
}

impl<S: AsApi> FromRequestParts<S> for AtStorefront {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<AtStorefront, Problem> {
        let host = host(&parts.uri, &parts.headers).to_owned();
        let storefront = state.api().follower.snapshot().storefronts().at(&host).clone();
        Ok(AtStorefront { storefront, host })
    }
}

/// The storefront of this host.
#[utoipa::path(get, path = "/storefront", tag = "storefront", operation_id = "show_storefront", responses(
    (status = 200, description = "The storefront", body = StorefrontBody),
))]
pub async fn show(State(api): State<Arc<Api>>, At(place): At, at: AtStorefront) -> Json<StorefrontBody> {
    let storefront = &*at.storefront;
    let serves_here = storefront.serves(place.territory);
    let others = if serves_here { Vec::new() } else { others(&api, &at, place.territory) };
    Json(StorefrontBody {
        slug: storefront.slug.clone(),
        name: storefront.name.clone(),
        tagline: storefront.tagline.clone(),
        languages: storefront.languages.clone(),
        currency: storefront.currency.to_string(),
        accent: storefront.accent.clone(),
        theme: storefront.theme,
        territory: place.territory,
        serves_here,
        others,
        livemode: api.livemode,
        payment_methods: api.checkout.methods().into_iter().map(str::to_owned).collect(),
    })
}

fn others(api: &Api, at: &AtStorefront, territory: Option<Territory>) -> Vec<OtherBody> {
    let snapshot = api.follower.snapshot();
    let serving = snapshot.storefronts().all().iter().filter(|other| other.serves(territory));
    serving
        .filter(|other| other.id != at.storefront.id)
        .map(|other| OtherBody { name: other.name.clone(), url: other.hosts.first().map(|host| url(host, &at.host)) })
        .collect()
}

/// A host that is named without a port is the same server's, at the port that was asked.
fn url(host: &str, asked: &str) -> String {
    let (_, port) = split_port(host);
    let (_, asked_port) = split_port(asked);
    if port.is_empty() { format!("//{host}{asked_port}/") } else { format!("//{host}/") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_without_a_port_is_at_the_port_that_was_asked() {
        assert_eq!(url("abroad.example", "films.example:8080"), "//abroad.example:8080/");
        assert_eq!(url("abroad.example", "films.example"), "//abroad.example/");
        assert_eq!(url("abroad.example:8443", "films.example:8080"), "//abroad.example:8443/");
        assert_eq!(url("[::1]", "[::2]:80"), "//[::1]:80/");
    }
}
