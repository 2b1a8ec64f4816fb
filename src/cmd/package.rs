//! `marquee package`: a film file in, a folder with a static HLS presentation out.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::base::clock::Clock;
use crate::base::error::{Error, Result};
use crate::base::protection::ProtectionScheme;
use crate::cmd::serve::until_signal;
use crate::cmd::{print, say};
use crate::media::language;
use crate::packager::job::{self, Encoding, PackageRequest, Packaged, Phase, Progress, SidecarFile, VideoCodec};
use crate::packager::sealing::Sealing;

/// How often a line is written where no terminal shows a bar.
const LINE_EVERY: Duration = Duration::from_secs(5);
const BAR_STEPS: u64 = 1000;

/// Turn a film into a folder that any web server can serve as HLS.
///
/// The picture is copied when it is H.264 with regular closed sync samples; smaller renditions are encoded beside it.
#[derive(Args, Clone, Debug)]
#[command(
    after_help = "Examples:\n  marquee package film.mp4 --out film\n  marquee package film.mkv --out film --copy --json --audio fr=dub.m4a --subtitle zh=film.srt > film.json\n  marquee package film.mp4 --out film --protect cbcs --key-file film.key --key-uri https://keys.example/film"
)]
pub struct PackageArgs {
    /// The film: MP4, MOV, Matroska, WebM or MPEG-TS.
    pub input: PathBuf,
    /// The folder to make; it must not exist yet.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Only copy; refuse a film that would have to be encoded.
    #[arg(long)]
    pub copy: bool,
    /// Make no poster and no storyboard.
    #[arg(long)]
    pub no_pictures: bool,
    /// What to encode in, separated by commas: h264, hevc, av1. Players choose what they can decode.
    #[arg(long, value_name = "CODECS", value_delimiter = ',', value_parser = codec, default_value = "h264", conflicts_with = "copy")]
    pub codec: Vec<VideoCodec>,
    /// Sound in a file of its own (such as a dub) with its language; may be given several times.
    #[arg(long, value_name = "LANG=FILE", value_parser = sidecar)]
    pub audio: Vec<SidecarFile>,
    /// Subtitles in a file of their own (SubRip, ASS, WebVTT, TTML) with their language; may be given several times.
    #[arg(long, value_name = "LANG=FILE", value_parser = sidecar)]
    pub subtitle: Vec<SidecarFile>,
    /// Seal the package: `aes128` (whole segments, plays everywhere) or `cbcs` (samples).
    #[arg(long, value_name = "SCHEME", value_parser = scheme, requires = "key_file")]
    pub protect: Option<ProtectionScheme>,
    /// Where the key goes, sixteen bytes: a new file outside the package. Whoever has it has the film.
    #[arg(long, value_name = "FILE", requires = "protect")]
    pub key_file: Option<PathBuf>,
    /// Where players will find the key; relative to the playlists, if it is.
    #[arg(long, value_name = "URI", default_value = "key", value_parser = key_uri, requires = "protect")]
    pub key_uri: String,
    /// Print the result as JSON on stdout.
    #[arg(long)]
    pub json: bool,
}

/// Packages; talk goes to stderr, the result to stdout. SIGINT and SIGTERM stop the job; the next one for the
/// same folder goes on with what it has encoded.
pub async fn run(args: PackageArgs) -> Result<()> {
    let encoding = if args.copy { Encoding::CopyOnly } else { Encoding::Ladder };
    let mut request = PackageRequest::new(job::worker_program()?, args.input, args.out, encoding);
    request.pictures = !args.no_pictures;
    request.codecs = args.codec;
    request.codecs.sort_unstable();
    request.codecs.dedup();
    request.audio = args.audio;
    request.subtitles = args.subtitle;
    request.sealing =
        args.protect.zip(args.key_file).map(|(scheme, key_file)| Sealing { scheme, key_file, key_uri: args.key_uri });
    let mut display = Display::for_stderr();
    let cancelled = until_signal()?;
    let packaged = job::package(request, |progress| display.show(progress), cancelled).await;
    display.clear();
    let packaged = packaged?;
    if let Some(at_s) = packaged.resumed_at_s {
        say(format_args!("went on at {} of the film, where an earlier run was stopped", minutes(at_s)));
    }
    for warning in &packaged.warnings {
        say(format_args!("warning: {warning}"));
    }
    let text = if args.json {
        serde_json::to_string(&packaged)
            .map_err(|error| Error::internal("the result has no JSON").with_source(error))?
    } else {
        summary(&packaged)
    };
    print(text)
}

/// `zh=film.srt`
fn sidecar(text: &str) -> std::result::Result<SidecarFile, String> {
    let (language, path) = text.split_once('=').ok_or("expected LANG=FILE, for example zh=film.srt")?;
    if !language::is_tag(language) || path.is_empty() {
        return Err("expected LANG=FILE with a language such as zh or en".to_owned());
    }
    Ok(SidecarFile { language: language.to_owned(), path: path.into(), name: path.to_owned() })
}

fn codec(text: &str) -> std::result::Result<VideoCodec, String> {
    let known = VideoCodec::ALL.into_iter().find(|codec| codec.as_str() == text);
    known.ok_or_else(|| "expected h264, hevc or av1".to_owned())
}

fn scheme(text: &str) -> std::result::Result<ProtectionScheme, String> {
    let known = ProtectionScheme::ALL.into_iter().find(|scheme| scheme.as_str() == text);
    known.ok_or_else(|| "expected aes128 or cbcs".to_owned())
}

/// A URI as it may stand in a playlist.
fn key_uri(text: &str) -> std::result::Result<String, String> {
    let is_uri = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"');
    is_uri.then(|| text.to_owned()).ok_or_else(|| "expected a URI, for example https://keys.example/film".to_owned())
}

fn summary(packaged: &Packaged) -> String {
    let tracks: Vec<&str> = packaged.index.tracks.iter().map(|track| track.id.as_str()).collect();
    format!(
        "{}: {:.1} s of film in {:.1} s ({})",
        packaged.dir.join("main.m3u8").display(),
        packaged.index.duration_ms as f64 / 1000.0,
        packaged.elapsed_s,
        tracks.join(", ")
    )
}

/// A bar on a terminal, JSON lines elsewhere.
pub enum Display {
    Bar(ProgressBar),
    Lines { clock: Clock, said: Option<(Phase, Duration)> },
}

impl Display {
    pub fn for_stderr() -> Display {
        if !std::io::stderr().is_terminal() {
            return Display::Lines { clock: Clock::system(), said: None };
        }
        let colour = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let template = if colour {
            "{prefix:9} {bar:32.cyan/dim} {percent:>3} % {msg}"
        } else {
            "{prefix:9} {bar:32} {percent:>3} % {msg}"
        };
        let bar = ProgressBar::with_draw_target(Some(BAR_STEPS), ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Display::Bar(bar)
    }

    pub fn show(&mut self, progress: &Progress) {
        match self {
            Display::Bar(bar) => {
                bar.set_prefix(phase_name(progress.phase));
                let share = if progress.total_s > 0.0 { progress.done_s / progress.total_s } else { 0.0 };
                bar.set_position((share.clamp(0.0, 1.0) * BAR_STEPS as f64) as u64);
                let left = progress.eta_s.map_or_else(String::new, |eta_s| format!(", {} left", minutes(eta_s)));
                bar.set_message(format!("{:.1}×{left}", progress.speed));
            }
            Display::Lines { clock, said } => {
                let now = clock.monotonic();
                if said.is_some_and(|(phase, at)| phase == progress.phase && now < at + LINE_EVERY) {
                    return;
                }
                *said = Some((progress.phase, now));
                if let Ok(line) = serde_json::to_string(progress) {
                    say(line);
                }
            }
        }
    }

    pub fn clear(&self) {
        if let Display::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

fn phase_name(phase: Phase) -> &'static str {
    match phase {
        Phase::Opening => "opening",
        Phase::Scanning => "scanning",
        Phase::Sound => "sound",
        Phase::Measuring => "measuring",
        Phase::Copying => "copying",
        Phase::Packaging => "packaging",
        Phase::Poster => "poster",
        Phase::Checking => "checking",
        Phase::Finished => "finished",
    }
}

fn minutes(seconds: f64) -> String {
    let seconds = seconds.round() as u64;
    if seconds < 60 { format!("{seconds} s") } else { format!("{}:{:02} min", seconds / 60, seconds % 60) }
}
