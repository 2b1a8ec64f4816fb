//! `marquee explain`: why somebody may or may not watch, check by check, as the server decides it.

use std::fmt::Write;

use http::Method;
use serde_json::Value;
use url::form_urlencoded::Serializer;

use crate::base::error::{Error, ErrorKind, Result};
use crate::cmd::client::Server;
use crate::cmd::{block_on, print};

#[derive(clap::Args, Debug)]
#[command(after_help = "Exits with 0 where it is allowed and with 5 where it is denied.\n\nExamples:\n  \
    marquee explain ttl_01m8… --territory CN\n  \
    marquee explain ttl_01m8… --viewer vwr_01m8… --territory DE --at 2027-02-10T12:00:00Z\n  \
    marquee explain --session ses_01m8… --json")]
pub struct Args {
    #[command(flatten)]
    server: Server,
    /// The title
    #[arg(required_unless_present = "session", conflicts_with = "session")]
    title: Option<String>,
    /// An open session instead: whether it may go on
    #[arg(long, value_name = "ID", conflicts_with_all = ["viewer", "part", "language"])]
    session: Option<String>,
    /// Who watches [default: nobody who has signed in]
    #[arg(long, value_name = "ID")]
    viewer: Option<String>,
    /// From where, as ISO 3166 has it [default: nobody knows; of a session, where it was opened]
    #[arg(long, value_name = "XX")]
    territory: Option<String>,
    /// The language asked for with Play, such as zh or en-GB [default: none]
    #[arg(long, value_name = "TAG")]
    language: Option<String>,
    /// Which part of the title [default: 1]
    #[arg(long, value_name = "N")]
    part: Option<u32>,
    /// When, such as 2027-02-10T12:00:00Z [default: now]
    #[arg(long, value_name = "INSTANT")]
    at: Option<String>,
    /// Print the answer as JSON
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args) -> Result<()> {
    let client = args.server.client()?;
    let answer = block_on(client.call(Method::GET, &args.path(), None))?;
    if args.json {
        print(format_args!("{answer:#}"))?;
    } else {
        print(text(&answer).trim_end())?;
    }
    if answer["allow"] == true {
        return Ok(());
    }
    let code = answer["code"].as_str().unwrap_or("unknown");
    Err(Error::new(ErrorKind::Forbidden, "DENIED", format!("Denied: {code}.")))
}

impl Args {
    fn path(&self) -> String {
        let part = self.part.map(|part| part.to_string());
        let mut query = Serializer::new(String::new());
        let named = [
            ("title_id", &self.title),
            ("viewer_id", &self.viewer),
            ("territory", &self.territory),
            ("language", &self.language),
            ("part", &part),
            ("at", &self.at),
        ];
        for (name, value) in named {
            if let Some(value) = value {
                query.append_pair(name, value);
            }
        }
        let query = query.finish();
        match &self.session {
            // An id is letters and digits; anything else is found to be none by the server.
            Some(id) => {
                let id: String = url::form_urlencoded::byte_serialize(id.as_bytes()).collect();
                format!("/operator/playback-sessions/{id}/explain?{query}")
            }
            None => format!("/operator/explain?{query}"),
        }
    }
}

fn text(answer: &Value) -> String {
    let word = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let mut lines = String::new();
    let outcome = if answer["allow"] == true { "Allowed" } else { "Denied" };
    let why = answer["code"].as_str().or(answer["via"].as_str()).unwrap_or("-");
    let place = answer["territory"].as_str().unwrap_or("an unknown territory");
    let _ = writeln!(lines, "{outcome}: {why} (rule {}), at {} in {place}", word(&answer["rule"]), word(&answer["at"]));
    for step in answer["steps"].as_array().into_iter().flatten() {
        let (outcome, check) = (word(&step["outcome"]), word(&step["check"]));
        let code = step["code"].as_str().map(|code| format!(" [{code}]")).unwrap_or_default();
        let _ = writeln!(lines, "  {outcome:<4}  {check:<10}  {}{code}", word(&step["says"]));
    }
    for next in answer["next"].as_array().into_iter().flatten() {
        let _ = writeln!(lines, "next: {next}");
    }
    lines
}
