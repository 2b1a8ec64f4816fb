//! The API as a subcommand calls it: over HTTP, with an operator's token.

use std::path::{Path, PathBuf};
use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::Value;
use url::Url;

use crate::app::OPERATOR_TOKEN_FILE;
use crate::base::error::{Error, ErrorKind, Result};
use crate::cmd::Settings;
use crate::http::outbound;

const TIMEOUT: Duration = Duration::from_secs(30);
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// Which server is asked, and as whom.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct Server {
    #[command(flatten)]
    settings: Settings,
    /// Address of the server [default: the one that the configuration says, on this machine]
    #[arg(long = "server", value_name = "URL")]
    address: Option<String>,
    /// File with an operator's token [default: keys/operator.token in the data folder]
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

/// Calls one server.
pub struct Client {
    http: reqwest::Client,
    base: Url,
    token: String,
}

impl Server {
    pub fn client(&self) -> Result<Client> {
        let config = self.settings.load()?;
        let address = self.address.clone().unwrap_or_else(|| format!("http://127.0.0.1:{}", config.http.port));
        let base = outbound::address(&address).map_err(|what| {
            Error::new(ErrorKind::Invalid, "SERVER_INVALID", format!("The address in --server {what}."))
        })?;
        let file = self.token_file.clone().unwrap_or_else(|| config.data.join(OPERATOR_TOKEN_FILE));
        let http = outbound::client(TIMEOUT).build();
        let http = http.map_err(|error| Error::internal("setting up the HTTP client").with_source(error))?;
        Ok(Client { http, base, token: token(&file)? })
    }
}

impl Client {
    /// The answer's body; null where it has none. `path` lies under `/api/v1`.
    pub async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value> {
        let url = self
            .base
            .join(&format!("/api/v1/{}", path.trim_start_matches('/')))
            .map_err(|_| Error::new(ErrorKind::Invalid, "PATH_INVALID", "This is no path such as /operator/titles."))?;
        let mut request = self.http.request(method, url).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.header(http::header::CONTENT_TYPE, "application/json").body(body.to_string());
        }
        let answer = request.send().await.map_err(|error| {
            let message = format!("{} does not answer. Is it running? Name another with --server.", self.base);
            Error::new(ErrorKind::Unavailable, "SERVER_UNREACHABLE", message).with_source(error)
        })?;
        let status = answer.status();
        let cut_off = || Error::new(ErrorKind::Unavailable, "SERVER_UNREACHABLE", "The answer breaks off.");
        let bytes = outbound::body(answer, ANSWER_BYTES_MAX).await.map_err(|_| cut_off())?;
        if status.is_success() {
            return if bytes.is_empty() {
                Ok(Value::Null)
            } else {
                serde_json::from_slice(&bytes).map_err(|_| {
                    let message = format!("{} answers, but not as Marquee does.", self.base);
                    Error::new(ErrorKind::Unavailable, "SERVER_INVALID", message)
                })
            };
        }
        Err(refusal(status, &bytes))
    }
}

fn token(file: &Path) -> Result<String> {
    let refuse = |what: &str| {
        let message = format!(
            "{} {what}. Make a token in the console under Settings, and name its file with --token-file.",
            file.display()
        );
        Error::new(ErrorKind::NotFound, "TOKEN_NOT_FOUND", message)
    };
    let text = std::fs::read_to_string(file).map_err(|error| refuse("cannot be read").with_source(error))?;
    let token = text.trim();
    let is_token = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
    if is_token { Ok(token.to_owned()) } else { Err(refuse("holds no token")) }
}

/// What the server says, with its own code.
fn refusal(status: StatusCode, body: &[u8]) -> Error {
    let problem: Value = serde_json::from_slice(body).unwrap_or_default();
    let kind = match status {
        StatusCode::UNAUTHORIZED => ErrorKind::Unauthorized,
        StatusCode::FORBIDDEN => ErrorKind::Forbidden,
        StatusCode::NOT_FOUND => ErrorKind::NotFound,
        status if status.is_server_error() => ErrorKind::Unavailable,
        _ => ErrorKind::Invalid,
    };
    let text = |name: &str| problem[name].as_str().map(str::to_owned);
    let param = text("param").map(|param| format!(" ({param})")).unwrap_or_default();
    let code = text("code").unwrap_or_else(|| status.to_string());
    let detail = text("detail").or_else(|| text("title")).unwrap_or_else(|| "The server refuses.".into());
    Error::new(kind, "SERVER_REFUSED", format!("{code}{param}: {detail}"))
}
