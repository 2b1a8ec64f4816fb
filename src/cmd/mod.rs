//! The command line: one file per subcommand, and the client that some of them share; the list is the help text. Data goes to stdout, talk to stderr.

pub mod api;
pub mod check;
pub mod client;
pub mod config;
pub mod demo;
pub mod explain;
pub mod inspect;
pub mod openapi;
pub mod package;
pub mod serve;

use std::fmt::Display;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::base::error::{Error, ErrorKind, Result};
use crate::config::Config;
use crate::config::sources::Source;

/// PVOD delivery server: a film file goes in, and a paid, entitled, windowed HLS playback comes out.
#[derive(Parser, Debug)]
#[command(name = "marquee", version, propagate_version = true, arg_required_else_help = true)]
struct Marquee {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Run the server.
    Serve(serve::Args),
    /// Open a demo cinema: packages a film once and sells it under every kind of offer.
    Demo(demo::Args),
    /// Make a static HLS presentation of a film.
    Package(package::PackageArgs),
    /// Show what is in an MP4 file or an HLS presentation, and what is wrong with it.
    Inspect(inspect::Args),
    /// Recompute everything the database claims: books, chains, grants.
    Check(check::Args),
    /// Say why somebody may or may not watch a title, check by check, at any place and instant.
    Explain(explain::Args),
    /// Send a request of the API as an operator.
    Api(api::Args),
    /// Check or print the configuration.
    Config(config::Args),
    /// Print the OpenAPI 3.1 description of the API.
    Openapi(openapi::Args),
}

/// Where settings come from; the same for every subcommand that needs them.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct Settings {
    /// Configuration file [default: ./marquee.toml, if it is there]
    #[arg(long, value_name = "FILE", env = "MARQUEE_CONFIG")]
    pub config: Option<PathBuf>,
    /// Data folder [default: marquee-data]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
}

impl Settings {
    /// Flags over environment over file over defaults.
    pub fn load(&self) -> Result<Config> {
        // A variable that is not UTF-8 is none of ours.
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .filter(|(name, _)| name != "MARQUEE_CONFIG");
        let mut config = Config::load(self.config.as_deref(), environment)?;
        if let Some(data) = &self.data {
            config.data.clone_from(data);
            config.sources.set("data", Source::Flag);
        }
        Ok(config)
    }
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let marquee = match Marquee::try_parse() {
        Ok(marquee) => marquee,
        Err(error) => {
            // Help and version are no errors and go to stdout.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { USAGE } else { 0 });
        }
    };
    let result = match marquee.command {
        Command::Serve(args) => serve::run(&args),
        Command::Demo(args) => demo::run(&args),
        Command::Package(args) => block_on(package::run(args)),
        Command::Inspect(args) => block_on(inspect::run(args)),
        Command::Check(args) => check::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Api(args) => api::run(&args),
        Command::Config(args) => config::run(&args),
        Command::Openapi(args) => openapi::run(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(format_args!("error: {} [{}]", error.message(), error.code()));
            if error.kind() == ErrorKind::Internal {
                say(format_args!("       {}", error.log_line()));
            }
            ExitCode::from(exit_code(error.kind()))
        }
    }
}

/// A Tokio runtime for a subcommand.
pub fn block_on<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::internal("starting the runtime").with_source(error))?
        .block_on(work)
}

/// Writes data and a line feed to stdout. A reader that has seen enough and left is no failure.
pub fn print(data: impl Display) -> Result<()> {
    let mut stdout = std::io::stdout().lock();
    match writeln!(stdout, "{data}").and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Error::internal("stdout cannot be written").with_source(error))
        }
        _ => Ok(()),
    }
}

/// Talks on stderr. Nobody need be listening: a server whose terminal is gone goes on.
pub fn say(talk: impl Display) {
    let _ = writeln!(std::io::stderr(), "{talk}");
}

const USAGE: u8 = 2;

/// The one map from what went wrong to the exit code.
fn exit_code(kind: ErrorKind) -> u8 {
    match kind {
        ErrorKind::Config => 3,
        ErrorKind::NotFound | ErrorKind::Gone => 4,
        ErrorKind::Unauthorized | ErrorKind::Forbidden => 5,
        ErrorKind::Unavailable | ErrorKind::Timeout => 6,
        ErrorKind::CheckFailed => 7,
        ErrorKind::Invalid
        | ErrorKind::Unprocessable
        | ErrorKind::Unsupported
        | ErrorKind::MethodNotAllowed
        | ErrorKind::Conflict
        | ErrorKind::Precondition
        | ErrorKind::Range
        | ErrorKind::TooLarge
        | ErrorKind::TooMany
        | ErrorKind::StorageFull
        | ErrorKind::Internal => 1,
    }
}
