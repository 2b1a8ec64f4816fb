//! Video tracks: the top rung copied sample by sample, and the encoded rungs behind one decoder and one filter graph.

use std::collections::HashSet;
use std::fs::File;
use std::path::Path;

use ffmpeg_next::{Packet, codec, decoder, frame};

use crate::base::error::Result;
use crate::media::avc;
use crate::media::cmaf::{Colour, InitMedia};
use crate::media::time::Ticks;
use crate::packager::checkpoint;
use crate::packager::encoder::EncoderSettings;
use crate::packager::film_reader::SampleTaken;
use crate::packager::ladder::Rung;
use crate::packager::libav;
use crate::packager::mux::{Payload, Sample, TrackWriter};
use crate::packager::plan::{self, Plan};
use crate::packager::probe::VideoSource;
use crate::packager::refusal::Refusal;
use crate::packager::rung::{RungHandle, RungSettings};
use crate::packager::scaling::{self, Scaler};
use crate::packager::scan::Scan;
use crate::packager::segmenter::Grid;

/// The top rung, sample by sample as the source has it.
pub struct CopiedVideo<'a> {
    source: &'a VideoSource,
    scan: &'a Scan,
    writer: TrackWriter,
    syncs: HashSet<Ticks>,
}

impl<'a> CopiedVideo<'a> {
    pub fn start(
        dir: &Path,
        id: &str,
        source: &'a VideoSource,
        scan: &'a Scan,
        grid: &Grid,
    ) -> Result<CopiedVideo<'a>> {
        let config = scan.avc.clone().ok_or_else(|| Refusal::Internal.error("H.264 without a configuration."))?;
        let media = InitMedia::Avc {
            config,
            width: source.width as u16,
            height: source.height as u16,
            sample_aspect: source.sample_aspect,
            colour: is_said(source.colour).then_some(source.colour),
        };
        let writer = TrackWriter::create(dir, id, &media, scan.timescale, None, grid.boundaries.clone())?;
        Ok(CopiedVideo { source, scan, writer, syncs: scan.syncs.iter().copied().collect() })
    }

    /// All samples lie in this film as they are to be.
    pub fn copy_from(&mut self, film: &File) -> Result<()> {
        self.writer.copy_from(film)
    }

    /// Ends the track where presentation ends.
    pub fn finish(self) -> Result<()> {
        self.writer.finish(self.scan.end)
    }

    pub fn push(&mut self, sample: SampleTaken) -> Result<()> {
        let pts = sample.pts.ok_or_else(|| Refusal::InputDamaged.error("The film changes as it is read."))?;
        let pts = self.scan.origin.since(pts, self.source.time_base, self.scan.timescale);
        let is_sync = sample.is_sync && self.syncs.contains(&pts);
        let held = sample.payload.held();
        let payload = if self.source.has_start_codes && avc::is_annex_b(held) {
            Payload::Bytes(avc::annex_b_to_lengths(held))
        } else {
            sample.payload
        };
        self.writer.push(Sample { pts, is_sync, payload })
    }
}

/// Whether colour is said at all; 2 is "unspecified" (ISO/IEC 23091-2).
fn is_said(colour: Colour) -> bool {
    [colour.primaries, colour.transfer, colour.matrix].iter().any(|&code| code != 2) && colour.primaries != 0
}

/// One decoder, one scaler, a thread per rung.
pub struct EncodedVideo<'a> {
    source: &'a VideoSource,
    scan: &'a Scan,
    decoder: decoder::Video,
    plan: &'a Plan,
    scaler: Option<Scaler>,
    /// In the order of the plan.
    rungs: Vec<RungHandle>,
    /// Packets are passed over up to this sync sample.
    enters_at: Option<Ticks>,
    /// How many pictures there are from there on.
    expected: u64,
    decoded: u64,
    damaged: u64,
    last_pts: Ticks,
}

impl<'a> EncodedVideo<'a> {
    pub fn start(
        dir: &Path,
        film: &File,
        mut decoder: decoder::Decoder,
        source: &'a VideoSource,
        scan: &'a Scan,
        plan: &'a Plan,
    ) -> Result<EncodedVideo<'a>> {
        decoder.set_threading(codec::threading::Config {
            kind: codec::threading::Type::Frame,
            count: 2,
            ..Default::default()
        });
        let decoder = decoder.video().map_err(libav::fault("opening the decoder"))?;
        let settings = RungSettings {
            dir: dir.to_owned(),
            grid: plan.grid.clone(),
            end: scan.end,
            encoder: EncoderSettings {
                timescale: scan.timescale,
                frame_rate: (plan::frame_rate_milli(scan) as i32, 1000),
                colour: scaling::rung_colour(source),
                threads: 0,
                conformance: None,
            },
            film: checkpoint::film(film, scan),
        };
        let mut rungs = Vec::new();
        for (rung, threads) in plan.encoded.iter().zip(threads(&plan.encoded, plan.cores)) {
            let encoder = EncoderSettings { threads, ..settings.encoder.clone() };
            rungs.push(RungHandle::start(rung, &RungSettings { encoder, ..settings.clone() })?);
        }
        let enters_at = enters_at(&scan.entries, rungs.iter().map(RungHandle::begins_at).min().unwrap_or(0));
        let passed = enters_at.map_or(0, |at| scan.presented.partition_point(|&pts| pts < at));
        let expected = (scan.presented.len() - passed) as u64;
        Ok(EncodedVideo {
            source,
            scan,
            decoder,
            plan,
            scaler: None,
            rungs,
            enters_at,
            expected,
            decoded: 0,
            damaged: 0,
            last_pts: -1,
        })
    }

    /// Where it goes on with what was encoded before.
    pub fn resumes_at(&self) -> Option<Ticks> {
        self.rungs.iter().map(RungHandle::begins_at).min().filter(|&at| at > 0)
    }

    pub fn push(&mut self, packet: &Packet) -> Result<()> {
        if let Some(at) = self.enters_at {
            let is_there = packet
                .pts()
                .is_some_and(|pts| self.scan.origin.since(pts, self.source.time_base, self.scan.timescale) >= at);
            if !is_there || !packet.is_key() {
                return Ok(());
            }
            self.enters_at = None;
        }
        if self.decoder.send_packet(packet).is_err() {
            self.damaged += 1;
            return Ok(());
        }
        self.decode()
    }

    /// Ends all rungs; the number of packets that did not decode.
    pub fn finish(mut self) -> Result<u64> {
        // A decoder that is drained already has nothing more to give.
        let _ = self.decoder.send_eof();
        self.decode()?;
        let rungs = &mut self.rungs;
        if let Some(scaler) = &mut self.scaler {
            scaler.push(None, |place, picture| rungs[place].push(picture))?;
        }
        for rung in rungs {
            rung.finish()?;
        }
        let expected = self.expected;
        // Some codecs have packets that show nothing; packets that do not decode are another matter.
        if self.decoded * 100 < expected * 80 || self.damaged * 100 > expected * 2 {
            return Err(Refusal::InputDamaged
                .error(format!("Only {} of {expected} pictures of the film can be decoded.", self.decoded)));
        }
        Ok(self.damaged)
    }

    fn decode(&mut self) -> Result<()> {
        loop {
            let mut picture = frame::Video::empty();
            if self.decoder.receive_frame(&mut picture).is_err() {
                return Ok(());
            }
            if (picture.width(), picture.height()) != (self.source.width, self.source.height)
                || picture.format() != self.source.pixel
            {
                return Err(Refusal::InputUnsupported
                    .error("The picture changes its size or form within the film; that is not handled yet."));
            }
            let Some(pts) = picture.timestamp() else { continue };
            let pts = self.scan.origin.since(pts, self.source.time_base, self.scan.timescale);
            if pts <= self.last_pts {
                continue;
            }
            self.last_pts = pts;
            self.decoded += 1;
            picture.set_pts(Some(pts));
            let scaler = match &mut self.scaler {
                Some(scaler) => scaler,
                none => none.insert(Scaler::new(self.source, self.scan, &self.plan.encoded)?),
            };
            let rungs = &mut self.rungs;
            scaler.push(Some(&picture), |place, picture| rungs[place].push(picture))?;
        }
    }
}

/// How many threads each encoder gets: the machine's cores by the share of its pixels, so that all rungs are as fast as the
/// machine and none is what the others wait for.
fn threads(rungs: &[Rung], cores: usize) -> impl Iterator<Item = usize> {
    let pixels = |rung: &Rung| u64::from(rung.width) * u64::from(rung.height);
    let all: u64 = rungs.iter().map(pixels).sum();
    rungs.iter().map(move |rung| (pixels(rung) * cores as u64).div_ceil(all.max(1)).max(1) as usize)
}

/// Where decoding begins so that every picture from `begins_at` on comes out as it does from the start: the second sync
/// sample before, since pictures behind the last one may lean on what is before it. None where that is the start.
fn enters_at(entries: &[Ticks], begins_at: Ticks) -> Option<Ticks> {
    let before = entries.partition_point(|&entry| entry <= begins_at);
    entries.get(before.checked_sub(2)?).copied().filter(|&entry| entry > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packager::encoder::VideoCodec;

    #[test]
    fn encoders_share_the_cores_by_their_pixels() {
        let rung = |width, height| Rung {
            id: format!("v{height}"),
            codec: VideoCodec::H264,
            width,
            height,
            max_bits_per_s: 1,
        };
        let ladder = [rung(1920, 1080), rung(1280, 720), rung(640, 360)];
        let of = |rungs, cores| threads(rungs, cores).collect::<Vec<_>>();
        assert_eq!(of(&ladder, 1), [1, 1, 1]);
        assert_eq!(of(&ladder, 2), [2, 1, 1]);
        assert_eq!(of(&ladder, 16), [11, 5, 2]);
        assert_eq!(of(&ladder[..1], 16), [16]);
        assert_eq!(of(&[], 16), [0; 0]);
    }

    #[test]
    fn decoding_begins_two_sync_samples_before() {
        let entries = [0, 1000, 2000, 3000, 4000];
        assert_eq!(enters_at(&entries, 0), None);
        assert_eq!(enters_at(&entries, 1000), None);
        assert_eq!(enters_at(&entries, 1999), None);
        assert_eq!(enters_at(&entries, 2000), Some(1000));
        assert_eq!(enters_at(&entries, 3999), Some(2000));
        assert_eq!(enters_at(&entries, 90_000), Some(3000));
        assert_eq!(enters_at(&[0], 90_000), None);
        assert_eq!(enters_at(&[], 90_000), None);
    }
}
