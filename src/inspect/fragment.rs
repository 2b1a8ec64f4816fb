//! Movie fragments as anybody writes them (ISO/IEC 14496-12, 8.8): defaults from `trex` and `tfhd`, several runs, several
//! tracks. `media::cmaf::Fragment` reads the one form that this project writes.

use crate::base::error::Result;
use crate::base::limits;
use crate::media::isobmff::{BoxAt, Reader};
use crate::media::malformed;

/// What a sample is when its fragment does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SampleDefaults {
    pub duration: u32,
    pub bytes: u32,
    pub flags: u32,
}

/// One `traf`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackFragment {
    pub track_id: u32,
    /// `tfdt`
    pub decode_time: Option<u64>,
    /// Offsets count from the `moof`, and no absolute one is given.
    pub is_based_on_moof: bool,
    pub samples: Vec<Sample>,
    /// Where each run of samples lies, from the first byte of the `moof`, and how many bytes it has.
    pub runs: Vec<(i64, u64)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    pub duration: u32,
    pub bytes: u32,
    pub is_sync: bool,
    pub composition_offset: i64,
}

/// `sample_is_non_sync_sample` of the sample flags (8.8.3.1).
const NON_SYNC: u32 = 0x0001_0000;

/// The track fragments of a `moof`; `defaults` are those of `trex`, by track.
pub fn read(moof: &BoxAt<'_>, defaults: impl Fn(u32) -> SampleDefaults) -> Result<Vec<TrackFragment>> {
    let mut found = Vec::new();
    let mut boxes = moof.payload;
    // Samples of all of them together.
    let mut allowed = limits::INSPECT_FRAGMENT_SAMPLES_MAX;
    while let Some(child) = boxes.next_box()? {
        if &child.kind == b"traf" {
            let fragment = track_fragment(child.payload, moof.offset, &defaults, &mut allowed)?;
            found.push(fragment);
        }
    }
    Ok(found)
}

fn track_fragment(
    traf: Reader<'_>,
    moof_offset: u64,
    defaults: &impl Fn(u32) -> SampleDefaults,
    allowed: &mut usize,
) -> Result<TrackFragment> {
    let mut tfhd = traf.path(&[b"tfhd"])?;
    let (_, flags) = tfhd.version_and_flags()?;
    let track_id = tfhd.u32()?;
    let mut sample = defaults(track_id);
    let base = if flags & 0x1 != 0 { Some(tfhd.u64()?) } else { None };
    if flags & 0x2 != 0 {
        tfhd.u32()?;
    }
    if flags & 0x8 != 0 {
        sample.duration = tfhd.u32()?;
    }
    if flags & 0x10 != 0 {
        sample.bytes = tfhd.u32()?;
    }
    if flags & 0x20 != 0 {
        sample.flags = tfhd.u32()?;
    }
    let decode_time = match traf.find(b"tfdt")? {
        Some(mut tfdt) => Some(if tfdt.version_and_flags()?.0 == 1 { tfdt.u64()? } else { u64::from(tfdt.u32()?) }),
        None => None,
    };
    let base_offset = base.map_or(0, |base| (base as i64).saturating_sub(moof_offset as i64));
    let mut fragment = TrackFragment {
        track_id,
        decode_time,
        is_based_on_moof: base.is_none() && flags & 0x02_0000 != 0,
        samples: Vec::new(),
        runs: Vec::new(),
    };
    let mut boxes = traf;
    while let Some(child) = boxes.next_box()? {
        if &child.kind == b"trun" {
            let from = fragment.runs.last().map_or(base_offset, |&(at, len)| at.saturating_add(len as i64));
            run(child.payload, sample, base_offset, from, &mut fragment, allowed)?;
        }
    }
    Ok(fragment)
}

fn run(
    mut trun: Reader<'_>,
    defaults: SampleDefaults,
    base: i64,
    after_last: i64,
    fragment: &mut TrackFragment,
    allowed: &mut usize,
) -> Result<()> {
    let (version, flags) = trun.version_and_flags()?;
    let count = trun.u32()? as usize;
    *allowed = allowed
        .checked_sub(count)
        .ok_or_else(|| malformed(format!("trun counts {count} samples, more than are read of one fragment.")))?;
    let at = if flags & 0x1 != 0 { base.saturating_add(i64::from(trun.u32()? as i32)) } else { after_last };
    let first_flags = if flags & 0x4 != 0 { Some(trun.u32()?) } else { None };
    let mut len = 0_u64;
    for nth in 0..count {
        let duration = if flags & 0x100 != 0 { trun.u32()? } else { defaults.duration };
        let bytes = if flags & 0x200 != 0 { trun.u32()? } else { defaults.bytes };
        let own = if flags & 0x400 != 0 { Some(trun.u32()?) } else { None };
        let sample_flags = first_flags.filter(|_| nth == 0).or(own).unwrap_or(defaults.flags);
        let composition_offset = match (flags & 0x800, version) {
            (0, _) => 0,
            (_, 0) => i64::from(trun.u32()?),
            _ => i64::from(trun.u32()? as i32),
        };
        len += u64::from(bytes);
        let is_sync = sample_flags & NON_SYNC == 0;
        fragment.samples.push(Sample { duration, bytes, is_sync, composition_offset });
    }
    fragment.runs.push((at, len));
    Ok(())
}

impl TrackFragment {
    pub fn duration_ticks(&self) -> u64 {
        self.samples.iter().map(|sample| u64::from(sample.duration)).sum()
    }

    /// The earliest presentation time and the latest end of any sample.
    pub fn presented(&self) -> Option<(i64, i64)> {
        let mut decode = self.decode_time.unwrap_or(0) as i64;
        let mut span: Option<(i64, i64)> = None;
        for sample in &self.samples {
            let start = decode.saturating_add(sample.composition_offset);
            let end = start.saturating_add(i64::from(sample.duration));
            let (first, last) = span.unwrap_or((start, end));
            span = Some((first.min(start), last.max(end)));
            decode = decode.saturating_add(i64::from(sample.duration));
        }
        span
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::isobmff::Writer;

    #[test]
    fn defaults_flags_and_several_runs_are_followed() {
        let mut writer = Writer::new();
        writer.nest(b"moof", |moof| {
            moof.nest(b"traf", |traf| {
                traf.full(b"tfhd", 0, 0x02_0028, |tfhd| {
                    tfhd.u32(7);
                    tfhd.u32(40);
                    tfhd.u32(NON_SYNC);
                });
                traf.full(b"tfdt", 0, 0, |tfdt| tfdt.u32(1000));
                traf.full(b"trun", 0, 0x205, |trun| {
                    for value in [2, 100, 0, 11, 12] {
                        trun.u32(value);
                    }
                });
                traf.full(b"trun", 1, 0x800, |trun| {
                    trun.u32(1);
                    trun.i32(-80);
                });
            });
        });
        let bytes = writer.into_bytes();
        let moof = Reader::new(&bytes).next_box().unwrap().unwrap();
        let fragments = read(&moof, |_| SampleDefaults { duration: 1, bytes: 5, flags: 0 }).unwrap();
        let fragment = &fragments[0];
        assert_eq!((fragment.track_id, fragment.decode_time, fragment.is_based_on_moof), (7, Some(1000), true));
        let syncs: Vec<bool> = fragment.samples.iter().map(|sample| sample.is_sync).collect();
        assert_eq!((syncs, fragment.duration_ticks()), (vec![true, false, false], 120));
        assert_eq!(fragment.runs, [(100, 23), (123, 5)]);
        assert_eq!(fragment.presented(), Some((1000, 1080)));
    }

    #[test]
    fn a_giant_count_is_refused_before_it_is_read() {
        let mut writer = Writer::new();
        writer.nest(b"moof", |moof| {
            moof.nest(b"traf", |traf| {
                traf.full(b"tfhd", 0, 0, |tfhd| tfhd.u32(1));
                traf.full(b"trun", 0, 0, |trun| trun.u32(u32::MAX));
            });
        });
        let bytes = writer.into_bytes();
        let moof = Reader::new(&bytes).next_box().unwrap().unwrap();
        assert!(read(&moof, |_| SampleDefaults::default()).unwrap_err().message().contains("more than are read"));
    }
}
