//! What a job will write, decided before it writes anything: which track is copied, which are encoded, and the one grid
//! they share. Pure: everything comes from the probe and the scan.

use crate::base::error::Result;
use crate::media::rendition::{TrackMedia, VideoIndex, VideoRange};
use crate::packager::encoder::VideoCodec;
use crate::packager::ladder::{self, Complexity, Rung};
use crate::packager::probe::Source;
use crate::packager::protocol::{Encoding, TrackDraft};
use crate::packager::refusal::Refusal;
use crate::packager::renditions::{self, AudioAction, AudioPlan, TextPlan};
use crate::packager::scan::Scan;
use crate::packager::segmenter::{self, Grid};

/// What will be written.
#[derive(Debug)]
pub struct Plan {
    pub grid: Grid,
    /// The id of the copied top rung.
    pub copied: Option<String>,
    /// Why there is none.
    pub copy_obstacle: Option<String>,
    pub encoded: Vec<Rung>,
    pub audio: Vec<AudioPlan>,
    pub text: Vec<TextPlan>,
    /// That the encoders share.
    pub cores: usize,
}

impl Plan {
    pub fn make(source: &Source, scan: &Scan, encoding: Encoding, codecs: &[VideoCodec]) -> Result<Plan> {
        let (width, height) = source.video.displayed();
        let copied_grid = match &scan.copy_obstacle {
            Some(obstacle) => Err(obstacle.clone()),
            None => segmenter::copied(&scan.syncs, scan.end, scan.timescale).map_err(|gap| {
                let seconds = |ticks| scan.timescale.seconds(ticks);
                format!(
                    "there is no closed sync sample between {:.1} s and {:.1} s",
                    seconds(gap.from),
                    seconds(gap.to)
                )
            }),
        };
        let is_empty = |place: usize| scan.audio.get(place).is_none_or(|scan| scan.packets == 0);
        let beside = source.audio.iter().enumerate().filter_map(|(place, audio)| Some((place, audio.beside.as_ref()?)));
        if let Some((_, file)) = beside.into_iter().find(|(place, _)| is_empty(*place)) {
            return Err(file.undecodable("0 frames"));
        }
        let audio: Vec<AudioPlan> = renditions::audio_plans(&source.audio, &scan.audio)
            .into_iter()
            .filter(|plan| scan.audio.get(plan.source).is_some_and(|scan| scan.packets > 0))
            .collect();
        let text = renditions::text_plans(&source.text);
        if encoding == Encoding::CopyOnly {
            let refuse = |why: &str| Refusal::CopyNeedsEncoding.error(format!("It cannot be copied as it is: {why}."));
            let grid = copied_grid.map_err(|why| refuse(&why))?;
            let mut kept: Vec<AudioPlan> = Vec::new();
            for plan in audio {
                let obstacle = scan.audio.get(plan.source).and_then(|scan| scan.copy_obstacle.as_deref());
                match (plan.action, obstacle) {
                    (AudioAction::Copy, _) => kept.push(plan),
                    (AudioAction::EncodeStereo | AudioAction::EncodeSurround, Some(why)) => return Err(refuse(why)),
                    // Surround that is kept beside it needs no stereo here.
                    (AudioAction::EncodeStereo | AudioAction::EncodeSurround, None) => {}
                }
            }
            let copied = Some(ladder::video_id(width, height));
            return Ok(Plan { grid, copied, copy_obstacle: None, encoded: Vec::new(), audio: kept, text, cores: 1 });
        }
        Ok(match copied_grid {
            Ok(grid) => {
                let top = ladder::top_rung(&source.video);
                let encoded = in_codecs(&top, &ladder::lower_rungs(width, height), codecs, Copied::Yes);
                let copied = codecs.contains(&VideoCodec::H264).then(|| ladder::video_id(width, height));
                Plan { grid, copied, copy_obstacle: None, encoded, audio, text, cores: 1 }
            }
            Err(obstacle) => {
                let top = ladder::top_rung(&source.video);
                let encoded = in_codecs(&top, &ladder::lower_rungs(top.width, top.height), codecs, Copied::No);
                let grid = segmenter::encoded(&scan.presented, scan.end, scan.timescale);
                Plan { grid, text, copied: None, copy_obstacle: Some(obstacle), encoded, audio, cores: 1 }
            }
        })
    }

    /// Whether there is nothing in it but what is copied.
    pub fn is_copied(&self) -> bool {
        self.encoded.is_empty() && self.text.is_empty() && self.audio.iter().all(AudioPlan::is_copied)
    }

    /// Takes out of it the sound that is encoded and the words, as a plan of their own.
    pub fn split_off_sound(&mut self) -> Plan {
        let (copied, encoded) = std::mem::take(&mut self.audio).into_iter().partition(AudioPlan::is_copied);
        self.audio = copied;
        Plan {
            grid: self.grid.clone(),
            copied: None,
            copy_obstacle: None,
            encoded: Vec::new(),
            audio: encoded,
            text: std::mem::take(&mut self.text),
            cores: self.cores,
        }
    }

    /// Gives the encoded rungs their rates; without a complexity those of an ordinary film.
    pub fn rate(&mut self, scan: &Scan, complexity: Option<Complexity>) {
        let seconds = scan.timescale.seconds(scan.end).max(0.1);
        let average = (scan.video_bytes as f64 * 8.0 / seconds) as u64;
        let copied = self.copied.as_ref().map(|_| average);
        ladder::rate(&mut self.encoded, frame_rate_milli(scan), complexity, copied);
    }

    /// The tracks in the order of the index; those of text are known when they have been read.
    pub fn drafts(&self, source: &Source, scan: &Scan) -> Vec<TrackDraft> {
        let (width, height) = source.video.displayed();
        let video = |id: &str, width, height, is_copied| TrackDraft {
            id: id.to_owned(),
            is_copied,
            media: TrackMedia::Video(VideoIndex {
                width,
                height,
                frame_rate_milli: frame_rate_milli(scan),
                video_range: VideoRange::Sdr,
            }),
        };
        let copied = self.copied.iter().map(|id| video(id, width, height, true));
        let encoded = self.encoded.iter().map(|rung| video(&rung.id, rung.width, rung.height, false));
        let audio = self.audio.iter().map(|plan| TrackDraft {
            id: plan.id.clone(),
            is_copied: plan.is_copied(),
            media: TrackMedia::Audio(plan.index.clone()),
        });
        copied.chain(encoded).chain(audio).collect()
    }
}

/// Whether the source's own picture is the top rung of its codec.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Copied {
    Yes,
    No,
}

/// A ladder in each codec.
fn in_codecs(top: &Rung, lower: &[Rung], codecs: &[VideoCodec], copied: Copied) -> Vec<Rung> {
    let ladder = |&codec: &VideoCodec| {
        let has_top = codec != VideoCodec::H264 || copied == Copied::No;
        let top = ladder::in_codec(if has_top { std::slice::from_ref(top) } else { &[] }, codec);
        top.into_iter().chain(ladder::in_codec(lower, codec))
    };
    codecs.iter().flat_map(ladder).collect()
}

/// Frame rates that films have, in thousandths.
const USUAL: [u32; 9] = [23_976, 24_000, 25_000, 29_970, 30_000, 48_000, 50_000, 59_940, 60_000];

/// Pictures over time, in thousandths, snapped to a usual rate when it is one.
pub fn frame_rate_milli(scan: &Scan) -> u32 {
    let count = scan.presented.len() as u64;
    let span = scan.end.max(1) as u64;
    let counted = (count * 1000 * u64::from(scan.timescale.per_second()) + span / 2) / span;
    let counted = u32::try_from(counted).unwrap_or(0).max(1);
    // Where packets may show nothing, the container's own average is nearer, unless it is nonsense.
    let said = scan.said_frame_rate_milli;
    let is_sane = said > 0 && said.abs_diff(counted) <= counted / 5;
    let milli = if is_sane { said } else { counted };
    USUAL.into_iter().find(|usual| usual.abs_diff(milli) <= 8).unwrap_or(milli)
}
