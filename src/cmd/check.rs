//! `marquee check`: recomputes what the database claims, from the journal up.

use crate::app::{database_file, open_database};
use crate::base::error::{Error, ErrorKind, Result};
use crate::cmd::{Settings, block_on, print, say};
use crate::store::check::check;

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
    let data = args.settings.load()?.data;
    let path = database_file(&data);
    if !path.exists() {
        return Err(Error::new(
            ErrorKind::NotFound,
            "DATA_NOT_FOUND",
            format!("There is no database at {}. Name the data folder with --data.", path.display()),
        ));
    }
    let report = block_on(async {
        let db = open_database(&data).await?;
        let report = check(&*db).await;
        db.close().await;
        report
    })?;
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
    }
    if report.is_sound() {
        say("The books are balanced.");
        Ok(())
    } else {
        let count = report.findings.len();
        Err(Error::new(
            ErrorKind::CheckFailed,
            "CHECK_FAILED",
            format!("{count} findings; do not sell before they are explained."),
        ))
    }
}
