//! `marquee config`: what is in force, and whether it can be read.

use clap::Subcommand;

use crate::base::error::{Error, Result};
use crate::cmd::{Settings, print, say};

#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  marquee config check --config /etc/marquee.toml\n  MARQUEE_HTTP__PORT=80 marquee config print"
)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand, Debug)]
enum Verb {
    /// Read the configuration and say whether it is sound.
    #[command(after_help = "Examples:\n  marquee config check\n  marquee config check --config /etc/marquee.toml")]
    Check(Settings),
    /// Print what is in force, as TOML.
    #[command(after_help = "Examples:\n  marquee config print\n  MARQUEE_HTTP__PORT=80 marquee config print")]
    Print(Settings),
}

pub fn run(args: &Args) -> Result<()> {
    match &args.verb {
        Verb::Check(settings) => {
            let config = settings.load()?;
            config.drm.check()?;
            config.playback.device_limit()?;
            say("The configuration is sound.");
        }
        Verb::Print(settings) => {
            let config = settings.load()?;
            let text = toml::to_string_pretty(&config)
                .map_err(|error| Error::internal("writing the configuration").with_source(error))?;
            print(text.trim_end())?;
        }
    }
    Ok(())
}
