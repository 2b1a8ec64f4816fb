//! `marquee check`: recomputes what the database claims, from the journal up, and inspects every stored asset.

use std::fmt::Write;

use crate::app::{database_file, objects_folder, open_database};
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::id::AssetId;
use crate::base::limits;
use crate::cmd::{Settings, block_on, print, say};
use crate::inspect::asset::inspect;
use crate::inspect::report::Findings;
use crate::store::blobs::Blobs;
use crate::store::check::check;
use crate::store::db::{Db, Page};

#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:\n  marquee check\n  marquee check --data /srv/marquee --json")]
pub struct Args {
    #[command(flatten)]
    settings: Settings,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args) -> Result<()> {
    let config = args.settings.load()?;
    let data = config.data.clone();
    let path = database_file(&data);
    if config.database_url()?.is_none() && !path.exists() {
        return Err(Error::new(
            ErrorKind::NotFound,
            "DATA_NOT_FOUND",
            format!("There is no database at {}. Name the data folder with --data.", path.display()),
        ));
    }
    let (report, assets) = block_on(async {
        let db = open_database(&config).await?;
        let report = async {
            let report = check(&*db).await?;
            Ok((report, inspect_assets(&*db, &data).await?))
        }
        .await;
        db.close().await;
        report
    })?;
    let faulty: Vec<&Inspected> =
        assets.iter().flat_map(|assets| &assets.inspected).filter(|asset| !asset.is_sound()).collect();
    if args.json {
        let findings: Vec<_> = report
            .findings
            .iter()
            .map(|finding| {
                serde_json::json!({"code": finding.code, "subject": finding.subject, "message": finding.message})
            })
            .collect();
        let json = serde_json::json!({
            "sound": report.is_sound(),
            "entries": report.entries,
            "audit_lines": report.audit_lines,
            "purchases": report.purchases,
            "vouchers": report.vouchers,
            "grants": report.grants,
            "findings": findings,
            "assets": assets.as_ref().map(|assets| assets.inspected.len()),
            "assets_being_made": assets.as_ref().map(|assets| assets.being_made),
            "asset_findings": faulty.iter().map(|asset| asset.to_json()).collect::<Vec<_>>(),
        });
        print(json)?;
    } else {
        print(format_args!(
            "{} entries, {} purchases, {} grants, {} audit lines",
            report.entries, report.purchases, report.grants, report.audit_lines
        ))?;
        for finding in &report.findings {
            print(finding)?;
        }
        for asset in &faulty {
            print(asset.to_text().trim_end())?;
        }
    }
    match &assets {
        Some(assets) => {
            if faulty.is_empty() {
                say(format_args!("{} assets conform.", assets.inspected.len()));
            }
            if assets.being_made > 0 {
                say(format_args!("{} more are being made and were not inspected.", assets.being_made));
            }
        }
        None => say("The folder of objects is not here: no asset was inspected."),
    }
    if !report.is_sound() {
        let count = report.findings.len();
        return Err(Error::new(
            ErrorKind::CheckFailed,
            "CHECK_FAILED",
            format!("{count} findings; do not sell before they are explained."),
        ));
    }
    say("The books are balanced.");
    if !faulty.is_empty() {
        let detail = format!("{} assets break a clause or cannot be read.", faulty.len());
        return Err(Error::new(ErrorKind::CheckFailed, "ASSETS_FAULTY", detail));
    }
    Ok(())
}

/// An asset and what was found, or why nothing could be.
struct Inspected {
    id: AssetId,
    source_name: String,
    outcome: Result<Findings>,
}

impl Inspected {
    fn is_sound(&self) -> bool {
        self.outcome.as_ref().is_ok_and(Findings::is_empty)
    }

    fn to_json(&self) -> serde_json::Value {
        match &self.outcome {
            Ok(findings) => serde_json::json!({"asset": self.id, "source_name": self.source_name,
                "findings": findings.list, "further_findings": findings.more}),
            Err(error) => serde_json::json!({"asset": self.id, "source_name": self.source_name, "error": error.code()}),
        }
    }

    fn to_text(&self) -> String {
        let mut text = format!("{} ({})\n", self.id, self.source_name);
        match &self.outcome {
            Ok(findings) => {
                for finding in &findings.list {
                    // Writing to a String cannot fail.
                    let _ = writeln!(
                        text,
                        "  {} {}: {} ({})",
                        finding.check.id, finding.place, finding.message, finding.check.clause
                    );
                }
                if findings.more > 0 {
                    let _ = writeln!(text, "  and {} more of the same kinds", findings.more);
                }
            }
            Err(error) => {
                let _ = writeln!(text, "  it cannot be read: {} [{}]", error.message(), error.code());
            }
        }
        text
    }
}

/// The assets of the catalogue.
#[derive(Default)]
struct Assets {
    inspected: Vec<Inspected>,
    /// Those that are there in part.
    being_made: usize,
}

/// Every asset of the catalogue, or `None` where its objects are not here, as beside a copy of the database alone.
async fn inspect_assets(db: &dyn Db, data: &std::path::Path) -> Result<Option<Assets>> {
    let objects = objects_folder(data);
    if !objects.is_dir() {
        return Ok(None);
    }
    let blobs = Blobs::local(&objects)?;
    let mut found = Assets::default();
    let mut page = Page { after: None, limit: limits::PAGE_ROWS_MAX };
    loop {
        let assets = db.assets(&page).await?;
        let Some(last) = assets.last() else { return Ok(Some(found)) };
        page.after = Some(last.id.to_string());
        for asset in assets {
            if asset.state.is_partial() {
                found.being_made += 1;
                continue;
            }
            let outcome = inspect(&blobs, asset.id).await;
            found.inspected.push(Inspected { id: asset.id, source_name: asset.source_name, outcome });
        }
    }
}
