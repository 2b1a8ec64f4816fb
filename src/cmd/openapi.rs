//! `marquee openapi`: the description of the API, as served at `/openapi.json`.

use crate::base::error::{Error, Result};
use crate::cmd::print;
use crate::operator::document;

#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  marquee openapi > openapi.json\n  marquee openapi | npx openapi-typescript /dev/stdin"
)]
pub struct Args {}

pub fn run(_args: &Args) -> Result<()> {
    let text =
        document().to_pretty_json().map_err(|error| Error::internal("writing the description").with_source(error))?;
    print(text)
}
