//! `marquee inspect`: what is in an MP4 file or an HLS presentation, and what is wrong with it by which clause.

use std::fmt::Write;
use std::path::Path;

use serde_json::{Value, json};
use url::Url;

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::limits;
use crate::cmd::print;
use crate::inspect::boxes::BoxNode;
use crate::inspect::check::Severity;
use crate::inspect::file::{self, FileSummary};
use crate::inspect::folder::Folder;
use crate::inspect::presentation::{self, LoadedPlaylist, Presentation, SegmentForm};
use crate::inspect::report::Findings;
use crate::inspect::rules;
use crate::inspect::source::{Source, spoken};
use crate::inspect::web::Web;

/// Show what is in an MP4 file or an HLS presentation, and what is wrong with it.
///
/// Every finding names the clause that is broken. Of segments the boxes are read and not the pictures. With findings the
/// exit code is 7.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  marquee inspect film.mp4\n  marquee inspect https://cinema.example/film/main.m3u8 --json > report.json"
)]
pub struct Args {
    /// An MP4 file, a playlist, a folder with a main.m3u8, or an http(s) URL of one of them.
    #[arg(value_name = "FILE|URL")]
    target: String,
    /// Print everything as JSON.
    #[arg(long)]
    json: bool,
}

/// Boxes of one kind beside each other that are shown before the rest of them is counted.
const ALIKE_SHOWN_MAX: usize = 3;

enum Inspected {
    File(FileSummary),
    Presentation(Box<Presentation>),
}

pub async fn run(args: Args) -> Result<()> {
    let (source, url) = open(&args.target)?;
    let mut findings = Findings::default();
    let beginning = source.read(&url, 0..16).await?.bytes;
    let inspected = if file::is_iso_file(&beginning) {
        Inspected::File(file::read(&*source, &url, &mut findings).await?)
    } else if beginning.is_empty() {
        return Err(Error::new(ErrorKind::Invalid, "INSPECT_EMPTY", format!("{} is empty.", spoken(&url))));
    } else {
        let presentation = presentation::read(&*source, &url, &mut findings).await.map_err(|error| {
            if error.code() != "INSPECT_NOT_A_PLAYLIST" {
                return error;
            }
            let detail = format!("{} is neither an MP4 file nor an HLS playlist.", spoken(&url));
            Error::new(ErrorKind::Unsupported, "INSPECT_UNKNOWN_FORMAT", detail)
        })?;
        rules::check(&presentation, &mut findings);
        Inspected::Presentation(Box::new(presentation))
    };
    if args.json {
        print(to_json(&spoken(&url), &inspected, &findings))?;
    } else {
        print(to_text(&spoken(&url), &inspected, &findings).trim_end())?;
    }
    if findings.is_empty() {
        return Ok(());
    }
    let (count, plural) = (findings.count(), if findings.count() == 1 { "" } else { "s" });
    Err(Error::new(ErrorKind::CheckFailed, "INSPECT_FINDINGS", format!("{count} finding{plural}.")))
}

/// The source that `target` names, and the URL in it.
fn open(target: &str) -> Result<(Box<dyn Source>, Url)> {
    if target.starts_with("http://") || target.starts_with("https://") {
        let url = Url::parse(target).map_err(|error| {
            Error::new(ErrorKind::Invalid, "INSPECT_URL_INVALID", format!("That is no URL: {error}."))
        })?;
        return Ok((Box::new(Web::new()?), url));
    }
    if let Some((scheme, _)) = target.split_once("://") {
        let detail = format!("URLs of http and https are inspected, not of {scheme}.");
        return Err(Error::new(ErrorKind::Invalid, "INSPECT_URL_INVALID", detail));
    }
    let missing = |error: std::io::Error| {
        let (kind, detail) = match error.kind() {
            std::io::ErrorKind::NotFound => (ErrorKind::NotFound, format!("There is no file or folder {target}.")),
            std::io::ErrorKind::PermissionDenied => {
                (ErrorKind::Forbidden, format!("{target} is not for this user to read."))
            }
            kind => (ErrorKind::Invalid, format!("{target} cannot be read: {kind}.")),
        };
        Error::new(kind, "INSPECT_UNREADABLE", detail).with_source(error)
    };
    let mut path = Path::new(target).canonicalize().map_err(missing)?;
    if path.is_dir() {
        path = path.join("main.m3u8");
    }
    std::fs::File::open(&path).map_err(missing)?;
    let folder = path.parent().unwrap_or(Path::new("/"));
    let url = Url::from_file_path(&path).map_err(|()| Error::internal("a path without a URL"))?;
    Ok((Box::new(Folder::new(folder)?), url))
}

fn to_json(target: &str, inspected: &Inspected, findings: &Findings) -> Value {
    let mut json = json!({
        "target": target,
        "conforms": findings.is_empty(),
        "errors": findings.of(Severity::Error),
        "warnings": findings.of(Severity::Warning),
        "findings": findings.list,
        "further_findings": findings.more,
    });
    match inspected {
        Inspected::File(file) => json["file"] = json!(file),
        Inspected::Presentation(presentation) => {
            let playlists: Vec<Value> = presentation.playlists.iter().map(playlist_json).collect();
            json["presentation"] = json!({
                "variants": presentation.multivariant.as_ref().map(|main| main.variants.len()),
                "renditions": presentation.multivariant.as_ref().map(|main| main.renditions.len()),
                "playlists": playlists,
            });
        }
    }
    json
}

fn playlist_json(playlist: &LoadedPlaylist) -> Value {
    let codec = playlist.init().and_then(|init| init.entry.as_ref()).and_then(|entry| entry.codec.as_ref());
    let segments = playlist.media.segments.iter().zip(&playlist.segments).map(|(said, loaded)| {
        json!({"msn": said.msn, "line": said.line, "duration_s": said.duration_s, "bytes": loaded.bytes()})
    });
    json!({
        "name": playlist.subject,
        "form": form_name(playlist.form),
        "codec": codec,
        "iframes_only": playlist.media.is_iframes_only,
        "encryption": playlist.media.keys.first().map(|key| key.method.as_str()),
        "target_duration_s": playlist.media.target_duration_s,
        "duration_s": playlist.duration_s(),
        "segments": segments.collect::<Vec<_>>(),
    })
}

fn form_name(form: SegmentForm) -> &'static str {
    match form {
        SegmentForm::FragmentedMp4 => "fmp4",
        SegmentForm::WebVtt => "webvtt",
        SegmentForm::Other => "other",
    }
}

fn to_text(target: &str, inspected: &Inspected, findings: &Findings) -> String {
    let mut text = format!("{target}\n");
    match inspected {
        Inspected::File(file) => file_text(&mut text, file),
        Inspected::Presentation(presentation) => presentation_text(&mut text, presentation),
    }
    text.push('\n');
    for finding in &findings.list {
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{} {}\n  {}\n  {}\n  {} ({})",
            finding.check.severity.as_str(),
            finding.check.id,
            plain(&finding.place),
            plain(&finding.message),
            finding.check.rule,
            finding.check.clause
        );
    }
    if findings.more > 0 {
        let _ = writeln!(text, "and {} more of the same kinds", findings.more);
    }
    if findings.is_empty() {
        text.push_str("Nothing is wrong with it, as far as it is checked.\n");
    }
    text
}

/// Without control characters, which could move a terminal's cursor.
fn plain(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

fn file_text(text: &mut String, file: &FileSummary) {
    boxes_text(text, &file.boxes, 1);
    for track in &file.tracks {
        let codec = track.codec.as_deref().unwrap_or("unknown codec");
        let _ = writeln!(
            text,
            "track {} {} {codec}\n  {:.3} s, {} samples, {} sync, {} fragments, {} gaps",
            track.track_id,
            track.handler,
            track.duration_s,
            track.samples,
            track.sync_samples,
            track.fragments,
            track.gaps
        );
        if let (Some(first), Some(last)) = (track.first_s, track.last_s) {
            let (least, most) = (track.composition_min_s, track.composition_max_s);
            let _ = writeln!(text, "  shown {first:.3} to {last:.3} s, composition {least:+.3} to {most:+.3} s");
        }
    }
}

fn boxes_text(text: &mut String, boxes: &[BoxNode], depth: usize) {
    let mut alike = 0;
    for (place, node) in boxes.iter().enumerate() {
        let is_alike =
            place >= 2 && boxes[place - 2].kind == node.kind || place >= 1 && boxes[place - 1].kind == node.kind;
        alike = if is_alike { alike + 1 } else { 0 };
        if alike >= ALIKE_SHOWN_MAX * 2 {
            if boxes.get(place + 1).is_none_or(|next| next.kind != node.kind && boxes[place - 1].kind != next.kind) {
                let _ = writeln!(text, "{}… {} boxes in all", "  ".repeat(depth), boxes.len());
            }
            continue;
        }
        let indent = "  ".repeat(depth);
        let _ = writeln!(text, "{indent}{} {} bytes at {}", node.kind, node.bytes, node.offset);
        if !node.fields.is_empty() {
            let fields: Vec<String> =
                node.fields.iter().map(|(name, value)| format!("{name} {}", short(value))).collect();
            let _ = writeln!(text, "{indent}    {}", fields.join(", "));
        }
        boxes_text(text, &node.boxes, depth + 1);
    }
}

fn short(value: &Value) -> String {
    match value {
        Value::String(word) => plain(word),
        Value::Array(values) => values.iter().map(short).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}

fn presentation_text(text: &mut String, presentation: &Presentation) {
    if let Some(main) = &presentation.multivariant {
        let counts = (main.variants.len(), main.renditions.len(), main.iframe_variants.len());
        let _ = writeln!(text, "{} variants, {} renditions, {} I-frame playlists", counts.0, counts.1, counts.2);
    }
    for playlist in presentation.playlists.iter().take(limits::INSPECT_PLAYLISTS_MAX) {
        let init = playlist.init();
        let codec = init.and_then(|init| init.entry.as_ref()).and_then(|entry| entry.codec.as_deref());
        let what = codec.unwrap_or(form_name(playlist.form));
        let size = init.filter(|init| init.is_video()).map(|init| format!(" {}x{}", init.shown.0, init.shown.1));
        let bytes: u64 = playlist.segments.iter().filter_map(presentation::LoadedSegment::bytes).sum();
        let sealed = playlist.media.keys.first().map(|key| format!(", {}", plain(&key.method))).unwrap_or_default();
        let _ = writeln!(
            text,
            "{}\n  {what}{}, {:.3} s, {} segments, {bytes} bytes{sealed}",
            plain(&playlist.subject),
            size.unwrap_or_default(),
            playlist.duration_s(),
            playlist.media.segments.len(),
        );
    }
}
