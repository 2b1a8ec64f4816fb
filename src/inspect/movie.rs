//! The tracks of an ISO file and what their samples add up to (ISO/IEC 14496-12, 8.6 and 8.8). Sample tables are runs, and
//! runs are what is read: a table that counts four thousand million samples in eight bytes costs eight bytes.

use serde::Serialize;

use crate::base::error::Result;
use crate::inspect::check;
use crate::inspect::fragment::{SampleDefaults, TrackFragment};
use crate::inspect::report::Findings;
use crate::inspect::segment::{read_entry, track_id};
use crate::media::isobmff::{FourCc, Reader, text};
use crate::media::malformed;

/// One track; times are in seconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct TrackSummary {
    pub track_id: u32,
    /// `vide`, `soun`.
    pub handler: String,
    /// RFC 6381; null for a codec that is not known here.
    pub codec: Option<String>,
    pub timescale: u32,
    pub samples: u64,
    /// Equal to `samples` where every sample is one.
    pub sync_samples: u64,
    /// What the samples' durations add up to.
    pub duration_s: f64,
    /// Composition offsets.
    pub composition_min_s: f64,
    pub composition_max_s: f64,
    /// Earliest presentation and latest end, edit lists aside.
    pub first_s: Option<f64>,
    pub last_s: Option<f64>,
    pub fragments: u64,
    /// Fragments that do not begin where the one before them ends.
    pub gaps: u64,
    #[serde(skip)]
    pub defaults: SampleDefaults,
    #[serde(skip)]
    span: Span,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Span {
    first: Option<i64>,
    last: Option<i64>,
    composition: (i64, i64),
    duration: u64,
    /// Where the next fragment should begin.
    next: Option<u64>,
}

/// The tracks that a `moov` describes. A track that cannot be read is a finding, and the others are read.
pub fn tracks(moov: Reader<'_>, file_bytes: u64, subject: &str, findings: &mut Findings) -> Vec<TrackSummary> {
    let mut found = Vec::new();
    let mut boxes = moov;
    while let Ok(Some(child)) = boxes.next_box() {
        if &child.kind == b"trak" {
            let mut rules = Rules { subject, place: format!(": trak at {}", child.offset), findings };
            match track(child.payload, file_bytes, &mut rules) {
                Ok(track) => found.push(track),
                Err(error) => rules.note(check::BOX_MISSING, error.message().to_owned()),
            }
        }
    }
    if let Ok(Some(mut mvex)) = moov.find(b"mvex") {
        while let Ok(Some(child)) = mvex.next_box() {
            if &child.kind == b"trex" {
                let _ = defaults(child.payload, &mut found);
            }
        }
    }
    found
}

fn defaults(mut trex: Reader<'_>, tracks: &mut [TrackSummary]) -> Result<()> {
    trex.version_and_flags()?;
    let id = trex.u32()?;
    trex.u32()?;
    let defaults = SampleDefaults { duration: trex.u32()?, bytes: trex.u32()?, flags: trex.u32()? };
    for track in tracks.iter_mut().filter(|track| track.track_id == id) {
        track.defaults = defaults;
    }
    Ok(())
}

struct Rules<'a> {
    subject: &'a str,
    place: String,
    findings: &'a mut Findings,
}

impl Rules<'_> {
    fn note(&mut self, check: &'static check::Check, message: String) {
        self.findings.note(check, self.subject, &self.place, message);
    }
}

fn track(trak: Reader<'_>, file_bytes: u64, rules: &mut Rules<'_>) -> Result<TrackSummary> {
    let media = trak.path(&[b"mdia"])?;
    let mut hdlr = media.path(&[b"hdlr"])?;
    hdlr.take(8)?;
    let handler: FourCc = hdlr.fourcc()?;
    let mut mdhd = media.path(&[b"mdhd"])?;
    let wide = mdhd.version_and_flags()?.0 == 1;
    mdhd.take(if wide { 16 } else { 8 })?;
    let timescale = mdhd.u32()?;
    if timescale == 0 {
        rules.note(check::TIMESCALE_ZERO, format!("The {} track has none.", text(handler)));
    }
    let table = media.path(&[b"minf", b"stbl"])?;
    // What is wrong with the entry is said where the box is shown.
    let codec = read_entry(table, handler).ok().and_then(|entry| entry.codec);
    let mut track =
        TrackSummary { track_id: track_id(trak)?, handler: text(handler), codec, timescale, ..TrackSummary::default() };
    let durations = runs(table, *b"stts")?.unwrap_or_default();
    let offsets = runs(table, *b"ctts")?.unwrap_or_default();
    track.samples = durations.iter().map(|&(count, _)| u64::from(count)).sum();
    track.span = span(&durations, &offsets);
    if let Some(mut sizes) = table.find(b"stsz")? {
        sizes.take(8)?;
        let sized = u64::from(sizes.u32()?);
        if sized != track.samples {
            let message = format!("stts has {} samples and stsz {sized}.", track.samples);
            rules.note(check::SAMPLE_COUNT_DIFFERS, message);
        }
    }
    track.sync_samples = match table.find(b"stss")? {
        None => track.samples,
        Some(stss) => sync_samples(stss, track.samples, rules)?,
    };
    for (kind, width) in [(b"stco", 4), (b"co64", 8)] {
        if let Some(mut chunks) = table.find(kind)? {
            chunks.take(8)?;
            let offset = |bytes: &[u8]| bytes.iter().fold(0_u64, |sum, &byte| sum << 8 | u64::from(byte));
            if let Some(outside) = chunks.rest().chunks_exact(width).map(offset).find(|&at| at >= file_bytes) {
                rules.note(check::CHUNK_OUTSIDE, format!("One is at {outside}, and the file has {file_bytes} bytes."));
            }
        }
    }
    track.finish();
    Ok(track)
}

/// The (count, value) pairs of an `stts` or a `ctts`.
fn runs(table: Reader<'_>, kind: FourCc) -> Result<Option<Vec<(u32, i64)>>> {
    let Some(mut list) = table.find(&kind)? else { return Ok(None) };
    let (version, _) = list.version_and_flags()?;
    let count = list.u32()? as usize;
    if count > list.len() / 8 {
        return Err(malformed(format!("{} counts {count} entries, and {} fit.", text(kind), list.len() / 8)));
    }
    let signed = &kind == b"ctts" && version == 1;
    let mut found = Vec::with_capacity(count);
    for _ in 0..count {
        let (count, value) = (list.u32()?, list.u32()?);
        // Writers have put negative offsets into version 0 since before version 1 existed.
        let is_negative = signed || (&kind == b"ctts" && value > i32::MAX as u32);
        found.push((count, if is_negative { i64::from(value as i32) } else { i64::from(value) }));
    }
    Ok(Some(found))
}

/// Goes over both tables at once, a stretch of equal duration and equal offset at a time.
fn span(durations: &[(u32, i64)], offsets: &[(u32, i64)]) -> Span {
    let mut span = Span::default();
    let mut decode = 0_i64;
    let mut offsets = offsets.iter().copied().filter(|&(count, _)| count > 0);
    let mut offset = offsets.next().unwrap_or((u32::MAX, 0));
    let mut composition: Option<(i64, i64)> = None;
    for &(count, duration) in durations {
        let mut left = count;
        while left > 0 {
            let stretch = left.min(offset.0);
            let first = decode.saturating_add(offset.1);
            decode = decode.saturating_add(duration.saturating_mul(i64::from(stretch)));
            let end = decode.saturating_add(offset.1);
            span.first = Some(span.first.map_or(first, |least| least.min(first)));
            span.last = Some(span.last.map_or(end, |most| most.max(end)));
            let (least, most) = composition.unwrap_or((offset.1, offset.1));
            composition = Some((least.min(offset.1), most.max(offset.1)));
            left -= stretch;
            offset.0 -= stretch;
            if offset.0 == 0 {
                offset = offsets.next().unwrap_or((u32::MAX, 0));
            }
        }
    }
    span.composition = composition.unwrap_or_default();
    span.duration = decode.max(0) as u64;
    span
}

fn sync_samples(mut stss: Reader<'_>, samples: u64, rules: &mut Rules<'_>) -> Result<u64> {
    stss.version_and_flags()?;
    let count = stss.u32()? as usize;
    let numbers = stss.rest().chunks_exact(4).take(count);
    let mut before = 0;
    let mut found = 0;
    for number in numbers {
        let number = u64::from(u32::from_be_bytes([number[0], number[1], number[2], number[3]]));
        if number <= before || number > samples {
            rules.note(check::SYNC_SAMPLE_ORDER, format!("{number} comes after {before}, of {samples} samples."));
            break;
        }
        before = number;
        found += 1;
    }
    Ok(found)
}

impl TrackSummary {
    /// Adds a fragment at `offset` of the file.
    pub fn take(&mut self, fragment: &TrackFragment, offset: u64, subject: &str, findings: &mut Findings) {
        self.fragments += 1;
        self.samples += fragment.samples.len() as u64;
        self.sync_samples += fragment.samples.iter().filter(|sample| sample.is_sync).count() as u64;
        let duration = fragment.duration_ticks();
        let start = fragment.decode_time.or(self.span.next).unwrap_or(0);
        if self.span.next.is_some_and(|next| next != start) {
            self.gaps += 1;
            let next = self.span.next.unwrap_or(0);
            let message =
                format!("Track {} goes on at {start}, and the fragment before it ends at {next}.", self.track_id);
            findings.note(check::FRAGMENT_GAP, subject, format_args!(": moof at {offset}"), message);
        }
        self.span.next = Some(start.saturating_add(duration));
        self.span.duration = self.span.duration.saturating_add(duration);
        if let Some((first, last)) = fragment.presented() {
            let first_sample = fragment.samples.first().map_or(0, |sample| sample.composition_offset);
            if self.span.first.is_none() {
                self.span.composition = (first_sample, first_sample);
            }
            for sample in &fragment.samples {
                let (least, most) = self.span.composition;
                self.span.composition = (least.min(sample.composition_offset), most.max(sample.composition_offset));
            }
            self.span.first = Some(self.span.first.map_or(first, |least| least.min(first)));
            self.span.last = Some(self.span.last.map_or(last, |most| most.max(last)));
        }
    }

    /// Brings what was counted in ticks to seconds.
    pub fn finish(&mut self) {
        if self.timescale == 0 {
            return;
        }
        let seconds = |ticks: i64| ticks as f64 / f64::from(self.timescale);
        self.duration_s = self.span.duration as f64 / f64::from(self.timescale);
        (self.composition_min_s, self.composition_max_s) =
            (seconds(self.span.composition.0), seconds(self.span.composition.1));
        (self.first_s, self.last_s) = (self.span.first.map(seconds), self.span.last.map(seconds));
    }
}
