//! `marquee serve`: the server.

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use crate::app::{App, OwnerLink, Serving};
use crate::base::clock::Clock;
use crate::base::error::{Error, Result};
use crate::base::shutdown::Shutdown;
use crate::cmd::{Settings, block_on, say};
use crate::config::Config;
use crate::config::sources::Source;

#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  marquee serve --owner-link\n  MARQUEE_PLACE__DEFAULT_TERRITORY=CN marquee serve --data /srv/marquee --port 80 --https-port 443"
)]
pub struct Args {
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    ports: Ports,
    /// Print a one-time link that makes an owner, or gives one who has forgotten the password another
    #[arg(long)]
    owner_link: bool,
}

/// Where to listen, over what the configuration says.
#[derive(clap::Args, Clone, Debug)]
pub struct Ports {
    /// Port of HTTP; 0 takes a free one [default: 8080]
    #[arg(long, value_name = "N")]
    pub port: Option<u16>,
    /// Port of HTTPS; 0 takes a free one [default: 8443]
    #[arg(long, value_name = "N")]
    pub https_port: Option<u16>,
}

pub fn run(args: &Args) -> Result<()> {
    start_log();
    let mut config = args.settings.load()?;
    args.ports.apply(&mut config);
    block_on(async {
        let app = App::open(config, Clock::system()).await?;
        if let Some(path) = app.ensure_operator().await? {
            say(format_args!("A new API token for the operator is in {}.", path.display()));
        }
        // Listened for before anybody hears that there is a server to end.
        let ended = until_signal()?;
        let serving = app.clone().serve()?;
        say(format_args!("Listening on http://{} and https://{}.", serving.http, serving.https));
        let when = if args.owner_link { OwnerLink::Always } else { OwnerLink::IfNobody };
        if let Some(secret) = app.owner_link(when).await? {
            let url = welcome_url(serving.http, &secret);
            say(format_args!("Open this link to become the owner, once and within 24 hours:\n  {url}"));
        }
        drain_on_signal(&app, serving, ended).await;
        Ok(())
    })
}

impl Ports {
    pub fn apply(&self, config: &mut Config) {
        if let Some(port) = self.port {
            config.http.port = port;
            config.sources.set("http.port", Source::Flag);
        }
        if let Some(port) = self.https_port {
            config.http.https_port = port;
            config.sources.set("http.https_port", Source::Flag);
        }
    }
}

/// Where the console is, as this machine reaches it.
pub fn console_url(http: SocketAddr) -> String {
    let host = match http.ip() {
        // What listens everywhere listens here.
        ip if ip.is_unspecified() => SocketAddr::from(([127, 0, 0, 1], http.port())),
        _ => http,
    };
    format!("http://{host}/console")
}

/// The address that a one-time link opens.
pub fn welcome_url(http: SocketAddr, secret: &str) -> String {
    format!("{}/welcome#{secret}", console_url(http))
}

/// Serves until the first signal, then drains; a second one ends at once.
pub async fn drain_on_signal(app: &Arc<App>, serving: Serving, first: impl Future<Output = ()> + Send + 'static) {
    let shutdown = app.shutdown.clone();
    tokio::spawn(async move {
        first.await;
        // Listened for from here on: the first signal is not the second one.
        let second = until_signal();
        say("Draining; a second signal ends at once.");
        shutdown.begin();
        if let Ok(second) = second {
            second.await;
            std::process::exit(130);
        }
    });
    wait_until_drained(serving, &app.shutdown).await;
}

/// Returns a future that ends at the next SIGTERM or SIGINT from now on; neither ends the process any more.
pub fn until_signal() -> Result<impl Future<Output = ()> + Send + 'static> {
    let failed = |error| Error::internal("listening for signals").with_source(error);
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

async fn wait_until_drained(serving: Serving, shutdown: &Shutdown) {
    shutdown.begun().await;
    serving.drained().await;
}

/// Logs to stderr: text on a terminal, JSON lines otherwise; `RUST_LOG` chooses how much.
pub fn start_log() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // Where nobody reads stderr any more, complaining there would be a panic.
    let builder = builder.log_internal_errors(false);
    let is_terminal = std::io::stderr().is_terminal();
    let is_plain = std::env::var_os("NO_COLOR").is_some();
    // A log that is started already stays.
    let _ = if is_terminal { builder.with_ansi(!is_plain).try_init() } else { builder.json().try_init() };
}
