//! `marquee api`: any request of the API from the command line, as an operator.

use std::io::Read;

use http::Method;
use serde_json::Value;

use crate::base::error::{Error, ErrorKind, Result};
use crate::cmd::client::Server;
use crate::cmd::{block_on, print};

#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:\n  marquee api GET /operator/titles\n  \
    marquee api POST /operator/titles/ttl_01m8…/plan '{\"dry_run\": true, \"removed_avails\": [\"avl_01m8…\"]}'\n  \
    marquee api POST /operator/parties - < party.json\n\nWhat there is: marquee openapi, or docs/api.md.")]
pub struct Args {
    #[command(flatten)]
    server: Server,
    /// GET, POST, PUT, PATCH or DELETE
    #[arg(value_parser = method)]
    method: Method,
    /// Path under /api/v1, with its query
    path: String,
    /// JSON to send; `-` reads it from stdin
    body: Option<String>,
}

pub fn run(args: &Args) -> Result<()> {
    let body = args.body.as_deref().map(read).transpose()?;
    let client = args.server.client()?;
    let answer = block_on(client.call(args.method.clone(), &args.path, body.as_ref()))?;
    if answer.is_null() { Ok(()) } else { print(format_args!("{answer:#}")) }
}

fn method(text: &str) -> std::result::Result<Method, String> {
    let known = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
    let wanted = text.to_ascii_uppercase();
    known.into_iter().find(|method| method.as_str() == wanted).ok_or_else(|| "GET, POST, PUT, PATCH or DELETE".into())
}

fn read(body: &str) -> Result<Value> {
    let mut text = body.to_owned();
    if body == "-" {
        text.clear();
        std::io::stdin().read_to_string(&mut text).map_err(|error| {
            Error::new(ErrorKind::Invalid, "BODY_INVALID", "What comes on stdin is not text.").with_source(error)
        })?;
    }
    serde_json::from_str(&text)
        .map_err(|error| Error::new(ErrorKind::Invalid, "BODY_INVALID", format!("The body is not JSON: {error}.")))
}
