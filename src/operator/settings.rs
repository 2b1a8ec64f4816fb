//! What this server runs with: its configuration and where each value comes from, its keys by name, its build, its disk
//! and its health. Nothing here can be changed, and nothing here is secret.

use std::path::PathBuf;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use futures_util::future::BoxFuture;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::api::health::{CheckBody, checks};
use crate::api::problem::Problem;
use crate::api::role::Owner;
use crate::base::clock::UtcMs;
use crate::base::error::Error;
use crate::operator::Operators;
use crate::store::disk::{free_bytes, used_bytes};

const DAY_MS: i64 = 24 * 3_600_000;
const MASK: &str = "***";

/// Asks the worker which library decodes films.
pub type DecoderVersion = Arc<dyn Fn() -> BoxFuture<'static, Result<String, Error>> + Send + Sync>;

/// What the process was started with.
pub struct Settings {
    pub config: Vec<Setting>,
    pub data: PathBuf,
    pub master_key_file: PathBuf,
    pub decoder: DecoderVersion,
}

/// One key of the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Setting {
    /// `http.port`
    key: String,
    /// Null where nothing is set; the credentials of an address are masked.
    #[schema(value_type = Option<Object>)]
    value: Value,
    #[schema(value_type = String, pattern = "^(default|file|environment|flag)$")]
    source: &'static str,
}

#[derive(Serialize, ToSchema)]
pub struct SettingsBody {
    config: Vec<Setting>,
    keys: Vec<KeyBody>,
    build: BuildBody,
    data: DataBody,
    /// As `/readyz?verbose` has them.
    checks: Vec<CheckBody>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = ServerKey)]
pub struct KeyBody {
    /// The key's public name; `master` is the one in a file of its own.
    id: String,
    #[schema(value_type = String, pattern = "^(token_signing|master)$")]
    kind: &'static str,
    created_at: UtcMs,
    age_days: i64,
}

#[derive(Serialize, ToSchema)]
#[schema(as = ServerBuild)]
pub struct BuildBody {
    version: &'static str,
    /// What decodes films, as the worker says; null where it does not start.
    decoder: Option<String>,
    database: String,
}

#[derive(Serialize, ToSchema)]
#[schema(as = ServerData)]
pub struct DataBody {
    folder: String,
    free_bytes: u64,
    used_bytes: u64,
}

/// What the server runs with.
#[utoipa::path(get, path = "/operator/settings", tag = "console", operation_id = "show_settings",
    security(("bearer" = [])), responses((status = 200, description = "The settings", body = SettingsBody)))]
pub async fn show(State(operators): State<Arc<Operators>>, _: Owner) -> Result<Json<SettingsBody>, Problem> {
    let (api, settings) = (&operators.api, &operators.settings);
    let now = api.clock.now();
    let key = |id, kind, created_at: UtcMs| KeyBody {
        id,
        kind,
        created_at,
        age_days: (now.0.saturating_sub(created_at.0) / DAY_MS).max(0),
    };
    let signing = api.db.signing_keys().await?;
    let mut keys: Vec<_> =
        signing.into_iter().map(|signing| key(signing.id.to_string(), "token_signing", signing.created_at)).collect();
    if let Some(created_at) = written_at(&settings.master_key_file) {
        keys.push(key("master".to_owned(), "master", created_at));
    }
    Ok(Json(SettingsBody {
        config: settings.config.clone(),
        keys,
        build: BuildBody {
            version: env!("CARGO_PKG_VERSION"),
            decoder: (settings.decoder)().await.ok(),
            database: api.db.version().await?,
        },
        data: data_body(settings.data.clone()).await?,
        checks: checks(api).await,
    }))
}

async fn data_body(folder: PathBuf) -> Result<DataBody, Error> {
    let counted = tokio::task::spawn_blocking(move || {
        let (free_bytes, used_bytes) = (free_bytes(&folder)?, used_bytes(&folder)?);
        Ok::<_, std::io::Error>(DataBody { folder: folder.display().to_string(), free_bytes, used_bytes })
    });
    let counted = counted.await.map_err(|error| Error::internal("counting the data folder").with_source(error))?;
    counted.map_err(|error| Error::internal("the data folder cannot be read").with_source(error))
}

fn written_at(file: &std::path::Path) -> Option<UtcMs> {
    let written = std::fs::metadata(file).ok()?.modified().ok()?;
    let since = written.duration_since(std::time::UNIX_EPOCH).ok()?;
    Some(UtcMs(i64::try_from(since.as_millis()).ok()?))
}

impl Setting {
    pub fn new(key: String, value: Value, source: &'static str) -> Setting {
        let value = match value {
            Value::String(text) => Value::String(masked(text)),
            other => other,
        };
        Setting { key, value, source }
    }
}

/// Without what stands between `://` and `@` of an address.
fn masked(text: String) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    match authority.rsplit_once('@') {
        Some((credentials, _)) => format!("{scheme}://{MASK}{}", &rest[credentials.len()..]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_credentials_of_an_address_are_masked() {
        let table = [
            ("redis://cache:6379/0", "redis://cache:6379/0"),
            ("redis://:secret@cache:6379/0", "redis://***@cache:6379/0"),
            ("redis://me:se@cret@cache", "redis://***@cache"),
            ("/srv/a@b", "/srv/a@b"),
            ("redis://cache/?x=a@b", "redis://cache/?x=a@b"),
        ];
        for (text, shown) in table {
            assert_eq!(masked(text.into()), shown);
        }
    }
}
