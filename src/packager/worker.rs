//! The worker process, `marquee-worker`: reads its order from stdin, enters the sandbox, does the work and reports on stdout. It exits when
//! its stdin closes: whoever ordered the work is gone.

use std::fs::File;
use std::io::{BufRead, Read, Write};
use std::os::fd::FromRawFd;
use std::time::Duration;

use crate::base::clock::Clock;
use crate::base::error::{Error, Result};
use crate::base::limits;
use crate::packager::encoder::VideoCodec;
use crate::packager::film_reader::PlainFilm;
use crate::packager::plan::Plan;
use crate::packager::protocol::{
    Encoding, FilmReader, Inherited, PackageOrder, Phase, Planned, SelfTest, WorkerMessage, WorkerOrder, WorkerReport,
};
use crate::packager::scan::Scan;
use crate::packager::storyboard::Reel;
use crate::packager::transcode::Written;
use crate::packager::{
    audio_file, card, chapters, checkpoint, copy, libav, measure, picture, poster, probe, refusal, renditions, sandbox,
    scan, sidecar, storyboard, transcode,
};

/// Works on one order. Whatever happens is said on stdout; the exit code says only whether it went well.
pub fn main() -> bool {
    let result = work();
    if let Err(error) = &result {
        say(&WorkerMessage::Refused {
            code: error.code().to_owned(),
            message: error.message().to_owned(),
            internal: error.log_line(),
        });
    }
    result.is_ok()
}

fn work() -> Result<()> {
    let order = read_order()?;
    exit_with_stdin()?;
    match order {
        WorkerOrder::Package(order) => {
            let file = inherited(order.film)?;
            ffmpeg_next::init().map_err(libav::fault("starting libav"))?;
            ffmpeg_next::log::set_level(ffmpeg_next::log::Level::Quiet);
            say(&WorkerMessage::Sandboxed(sandbox::enter(&order.out_dir)?));
            say(&WorkerMessage::Done(package(&file, &order)?));
        }
        WorkerOrder::Picture { out_dir, picture, shape } => {
            let file = inherited(picture)?;
            ffmpeg_next::init().map_err(libav::fault("starting libav"))?;
            ffmpeg_next::log::set_level(ffmpeg_next::log::Level::Quiet);
            say(&WorkerMessage::Sandboxed(sandbox::enter(&out_dir)?));
            sandbox::limit_cpu_to(0.0)?;
            picture::write(&file, &out_dir, shape)?;
            say(&WorkerMessage::Pictured);
        }
        WorkerOrder::Card { out_dir, font, text, tracks } => {
            let font = inherited(font)?;
            ffmpeg_next::init().map_err(libav::fault("starting libav"))?;
            ffmpeg_next::log::set_level(ffmpeg_next::log::Level::Quiet);
            say(&WorkerMessage::Sandboxed(sandbox::enter(&out_dir)?));
            sandbox::limit_cpu_to(limits::RELEASE_CARD.as_secs_f64())?;
            card::write(&font, &out_dir, &text, &tracks)?;
            say(&WorkerMessage::Carded);
        }
        WorkerOrder::SelfTest { out_dir } => {
            say(&WorkerMessage::Sandboxed(sandbox::enter(&out_dir)?));
            sandbox::limit_cpu_to(0.0)?;
            say(&WorkerMessage::SelfTested(SelfTest {
                decoder: libav::version(),
                attempts: sandbox::attempts(&out_dir),
            }));
        }
    }
    Ok(())
}

fn package(file: &File, order: &PackageOrder) -> Result<WorkerReport> {
    let (out_dir, encoding) = (&order.out_dir, order.encoding);
    // What was asked for by name is missed before hours of work; H.264 when it turns out to be needed.
    for codec in order.codecs.iter().filter(|&&codec| codec != VideoCodec::H264) {
        codec.find()?;
    }
    let mut progress = Reporter::new();
    progress.enter(Phase::Opening, 0.0);
    let (mut input, mut source) = probe::open(file)?;
    say(&WorkerMessage::Found(source.summary()));
    for order in &order.audio {
        source.audio.push(audio_file::open(order, inherited(order.file)?)?);
    }
    for order in &order.subtitles {
        source.text.push(sidecar::open(order, &inherited(order.file)?, &mut source.warnings)?);
    }
    let declared_s = (source.duration_us as f64 / 1e6).min(limits::FILM_DURATION_MAX.as_secs_f64());
    progress.enter(Phase::Scanning, declared_s);
    let first = scan::first_picture(&mut input, &source.video)?;
    // What libav knows of each sample of a long film is too much to be held twice.
    let ids: Vec<i32> = input.streams().map(|stream| stream.id()).collect();
    drop(input);
    let plain = if order.reader == FilmReader::Libav { None } else { PlainFilm::open(file, &ids, &source) };
    let found = scan::scan(file, first, plain.as_ref(), &mut source, |done_s| progress.done(done_s))?;
    let duration_s = found.timescale.seconds(found.end);
    sandbox::limit_cpu_to(duration_s)?;
    let mut plan = Plan::make(&source, &found, encoding, &order.codecs)?;
    plan.cores = order.cores;
    let mut warnings = std::mem::take(&mut source.warnings);
    if let Some(hdr) = source.video.hdr {
        warnings.push(format!("The picture is HDR ({}) and was brought down to SDR.", hdr.transfer.name()));
    }
    if let Some(obstacle) = &plan.copy_obstacle {
        warnings.push(format!("The picture was encoded rather than copied: {obstacle}."));
    }
    let drafts = plan.drafts(&source, &found);
    let wrote = |is_copied| {
        let tracks = drafts.iter().filter(|draft| draft.is_copied == is_copied).map(|draft| draft.id.clone());
        say(&WorkerMessage::Wrote { tracks: tracks.collect() });
    };
    if plan.copied.is_some() {
        let Scan { timescale, end, .. } = found;
        let boundaries = plan.grid.boundaries.clone();
        say(&WorkerMessage::Planned(Planned { tracks: drafts.clone(), timescale, boundaries, end }));
    }
    checkpoint::keep(out_dir, |id| plan.encoded.iter().any(|rung| rung.id == id)).map_err(refusal::of_write)?;
    progress.enter(Phase::Copying, duration_s);
    let captions = copy::run(file, out_dir, &source, &found, &plan, plain.as_ref(), |done_s| progress.done(done_s))?;
    wrote(true);
    if let Some(captions) = captions {
        source.text.extend(captions.finish(found.end_ms()));
        plan.text = renditions::text_plans(&source.text);
    }
    let mut written = Written::default();
    if plan.copied.is_some() {
        // With a copied picture, sound is all that keeps the film from being played.
        let sound = plan.split_off_sound();
        if !sound.is_copied() {
            progress.enter(Phase::Sound, duration_s);
        }
        written = transcode::run(file, out_dir, &source, &found, &sound, |_| {}, |done_s| progress.done(done_s))?;
        say(&WorkerMessage::Wrote { tracks: sound.audio.into_iter().map(|audio| audio.id).collect() });
    }
    let mut complexity = None;
    if encoding == Encoding::Ladder && !plan.encoded.is_empty() {
        progress.enter(Phase::Measuring, duration_s);
        complexity = measure::measure(file, &source.video, &found, |share| progress.done(share * duration_s))?;
    }
    plan.rate(&found, complexity);
    progress.enter(Phase::Packaging, duration_s);
    let on_resume = |at_s| say(&WorkerMessage::Resumed { at_s });
    written.add(transcode::run(file, out_dir, &source, &found, &plan, on_resume, |done_s| progress.done(done_s))?);
    wrote(false);
    warnings.extend(written.warnings);
    let mut storyboard = None;
    if order.pictures {
        progress.enter(Phase::Poster, duration_s);
        poster::write(file, out_dir, &source.video, duration_s)?;
        let reel = Reel::choose(file, &plan);
        storyboard = storyboard::write(&reel, out_dir, &source.video, &found, |done_s| progress.done(done_s))?;
    }
    let reader = if plain.is_some() { FilmReader::Marquee } else { FilmReader::Libav };
    let tracks = drafts.into_iter().chain(written.text).collect();
    let (chapters, warning) = chapters::kept(&source.chapters, &found);
    warnings.extend(warning);
    Ok(WorkerReport { reader, tracks, storyboard, chapters, warnings })
}

fn read_order() -> Result<WorkerOrder> {
    let bad = || Error::internal("the worker got no order it understands");
    let mut line = String::new();
    let mut stdin = std::io::stdin().lock();
    (&mut stdin)
        .take(limits::WORKER_LINE_BYTES_MAX as u64)
        .read_line(&mut line)
        .map_err(|error| bad().with_source(error))?;
    serde_json::from_str(&line).map_err(|error| bad().with_source(error))
}

/// A file that the supervisor opened.
#[allow(unsafe_code)]
fn inherited(descriptor: Inherited) -> Result<File> {
    // SAFETY: the supervisor opened the descriptor for this process and names it once; nothing else here knows of it.
    // When it is not open, the metadata call below fails and the file is only closed in vain.
    let file = unsafe { File::from_raw_fd(descriptor) };
    file.metadata().map_err(|error| Error::internal("the worker got no film").with_source(error))?;
    Ok(file)
}

fn exit_with_stdin() -> Result<()> {
    let watch = || {
        // Nothing more is ever sent; the read ends when the other side is gone.
        let _ = std::io::stdin().lock().read(&mut [0]);
        std::process::exit(1);
    };
    let thread = std::thread::Builder::new().name("orphan-watch".into()).spawn(watch);
    thread.map(|_| ()).map_err(|error| Error::internal("the worker cannot start a thread").with_source(error))
}

fn say(message: &WorkerMessage) {
    let Ok(mut line) = serde_json::to_vec(message) else { return };
    line.push(b'\n');
    let mut stdout = std::io::stdout().lock();
    if stdout.write_all(&line).and_then(|()| stdout.flush()).is_err() {
        // Nobody listens any more.
        std::process::exit(1);
    }
}

/// Says how far the work is, not more often than anyone wants to know: at first soon, for whoever waits for the first
/// segments, and then more and more seldom.
struct Reporter {
    clock: Clock,
    phase: Phase,
    total_s: f64,
    entered_at: Duration,
    said_at: Duration,
}

const FIRST_PROGRESS_AFTER: Duration = Duration::from_millis(10);

impl Reporter {
    fn new() -> Reporter {
        Reporter {
            clock: Clock::system(),
            phase: Phase::Opening,
            total_s: 0.0,
            entered_at: Duration::ZERO,
            said_at: Duration::ZERO,
        }
    }

    fn enter(&mut self, phase: Phase, total_s: f64) {
        (self.phase, self.total_s, self.entered_at) = (phase, total_s, self.clock.monotonic());
        self.say(0.0);
    }

    fn done(&mut self, done_s: f64) {
        let pause =
            self.said_at.saturating_sub(self.entered_at).clamp(FIRST_PROGRESS_AFTER, limits::WORKER_PROGRESS_EVERY);
        if self.clock.monotonic() >= self.said_at + pause {
            self.say(done_s);
        }
    }

    fn say(&mut self, done_s: f64) {
        self.said_at = self.clock.monotonic();
        say(&WorkerMessage::Progress { phase: self.phase, done_s: done_s.max(0.0), total_s: self.total_s });
    }
}
