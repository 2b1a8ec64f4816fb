//! CMAF tracks (ISO/IEC 23000-19): one track per file, an init segment, then one fragment (`moof` + `mdat`) per segment.
//!
//! ```text
//! ftyp moov | moof mdat | moof mdat | …
//!  init seg.   segment 0   segment 1
//! ```
//!
//! Timestamps are said by the samples alone: presentation begins at 0, and no edit list exists that a client could fail to
//! honour. A segment's `tfdt` is the presentation time of its first sync sample in every rung of a switching set, and the
//! sample durations of a segment add up to the segment's. `trun` is version 1 (signed composition offsets), but none is
//! negative: clients disagree about what that does to a track without an edit list.

use crate::base::error::Result;
use crate::media::av1::Av1Config;
use crate::media::avc::AvcConfig;
use crate::media::dolby::{DolbyCodec, DolbyConfig};
use crate::media::hevc::HevcConfig;
use crate::media::isobmff::{FourCc, Reader, Writer};
use crate::media::malformed;
use crate::media::time::{Ticks, Timescale};

const TRACK_ID: u32 = 1;
/// `sample_depends_on = 2`: needs no other sample (ISO/IEC 14496-12, 8.8.3.1).
const FLAGS_SYNC: u32 = 0x0200_0000;
/// `sample_depends_on = 1`, `sample_is_non_sync_sample = 1`.
const FLAGS_NON_SYNC: u32 = 0x0101_0000;

/// What the sample entry of an init segment is made from.
#[derive(Clone, Debug)]
pub enum InitMedia {
    Avc {
        config: AvcConfig,
        width: u16,
        height: u16,
        sample_aspect: (u32, u32),
        colour: Option<Colour>,
    },
    /// In square pixels.
    Hevc {
        config: HevcConfig,
        width: u16,
        height: u16,
        colour: Option<Colour>,
    },
    /// In square pixels.
    Av1 {
        config: Av1Config,
        width: u16,
        height: u16,
        colour: Option<Colour>,
    },
    Aac {
        asc: Vec<u8>,
        channels: u16,
        sample_rate: u32,
        bits_per_s: u32,
    },
    Dolby(DolbyConfig),
}

impl InitMedia {
    fn is_audio(&self) -> bool {
        matches!(self, InitMedia::Aac { .. } | InitMedia::Dolby(_))
    }
}

/// `nclx` colour information (ISO/IEC 23091-2 code points).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour {
    pub primaries: u16,
    pub transfer: u16,
    pub matrix: u16,
    pub full_range: bool,
}

/// A sample of a segment before it is written: presentation time, size, whether it is a sync sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SampleTiming {
    pub pts: Ticks,
    pub bytes: u32,
    pub is_sync: bool,
}

/// The init segment of a track.
pub fn write_init(media: &InitMedia, timescale: Timescale, language: Option<&str>) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.nest(b"ftyp", |ftyp| {
        ftyp.raw(b"iso6");
        ftyp.u32(0);
        // `cmfc` is CMAF; `cmf2` allows signed composition offsets and no edit list.
        for brand in [b"iso6", b"cmfc", b"cmf2"] {
            ftyp.raw(brand);
        }
    });
    writer.nest(b"moov", |moov| {
        moov.full(b"mvhd", 0, 0, |mvhd| {
            mvhd.zeros(8);
            mvhd.u32(timescale.per_second());
            mvhd.u32(0);
            mvhd.u32(0x0001_0000);
            mvhd.u16(0x0100);
            mvhd.zeros(10);
            write_matrix(mvhd);
            mvhd.zeros(24);
            mvhd.u32(TRACK_ID + 1);
        });
        moov.nest(b"trak", |trak| write_trak(trak, media, timescale, language));
        moov.nest(b"mvex", |mvex| {
            mvex.full(b"trex", 0, 0, |trex| {
                trex.u32(TRACK_ID);
                trex.u32(1);
                trex.zeros(12);
            });
        });
    });
    writer.into_bytes()
}

fn write_trak(trak: &mut Writer, media: &InitMedia, timescale: Timescale, language: Option<&str>) {
    trak.full(b"tkhd", 0, 3, |tkhd| {
        tkhd.zeros(8);
        tkhd.u32(TRACK_ID);
        tkhd.zeros(16);
        let is_audio = media.is_audio();
        tkhd.u16(0);
        tkhd.u16(u16::from(is_audio));
        tkhd.u16(if is_audio { 0x0100 } else { 0 });
        tkhd.u16(0);
        write_matrix(tkhd);
        let (width, height) = match media {
            InitMedia::Avc { width, height, sample_aspect: (horizontal, vertical), .. } => {
                let shown = u64::from(*width) * u64::from(*horizontal) / u64::from((*vertical).max(1));
                (shown.min(0xffff) as u32, u32::from(*height))
            }
            InitMedia::Hevc { width, height, .. } | InitMedia::Av1 { width, height, .. } => {
                (u32::from(*width), u32::from(*height))
            }
            InitMedia::Aac { .. } | InitMedia::Dolby(_) => (0, 0),
        };
        tkhd.u32(width << 16);
        tkhd.u32(height << 16);
    });
    trak.nest(b"mdia", |mdia| {
        mdia.full(b"mdhd", 0, 0, |mdhd| {
            mdhd.zeros(8);
            mdhd.u32(timescale.per_second());
            mdhd.u32(0);
            mdhd.u16(packed_language(language));
            mdhd.u16(0);
        });
        mdia.full(b"hdlr", 0, 0, |hdlr| {
            hdlr.u32(0);
            hdlr.raw(if media.is_audio() { b"soun" } else { b"vide" });
            hdlr.zeros(13);
        });
        mdia.nest(b"minf", |minf| {
            match media {
                media if media.is_audio() => minf.full(b"smhd", 0, 0, |smhd| smhd.zeros(4)),
                _ => minf.full(b"vmhd", 0, 1, |vmhd| vmhd.zeros(8)),
            }
            minf.nest(b"dinf", |dinf| {
                dinf.full(b"dref", 0, 0, |dref| {
                    dref.u32(1);
                    dref.full(b"url ", 0, 1, |_| {});
                });
            });
            minf.nest(b"stbl", |stbl| {
                stbl.full(b"stsd", 0, 0, |stsd| {
                    stsd.u32(1);
                    write_sample_entry(stsd, media);
                });
                stbl.full(b"stts", 0, 0, |stts| stts.u32(0));
                stbl.full(b"stsc", 0, 0, |stsc| stsc.u32(0));
                stbl.full(b"stsz", 0, 0, |stsz| stsz.zeros(8));
                stbl.full(b"stco", 0, 0, |stco| stco.u32(0));
            });
        });
    });
}

fn write_sample_entry(stsd: &mut Writer, media: &InitMedia) {
    match media {
        InitMedia::Avc { config, width, height, sample_aspect, colour } => {
            let visual = Visual { width: *width, height: *height, sample_aspect: *sample_aspect, colour: *colour };
            visual.write(stsd, *b"avc1", *b"avcC", config.record());
        }
        InitMedia::Hevc { config, width, height, colour } => {
            let visual = Visual { width: *width, height: *height, sample_aspect: (1, 1), colour: *colour };
            visual.write(stsd, *b"hvc1", *b"hvcC", config.record());
        }
        InitMedia::Av1 { config, width, height, colour } => {
            let visual = Visual { width: *width, height: *height, sample_aspect: (1, 1), colour: *colour };
            visual.write(stsd, *b"av01", *b"av1C", config.record());
        }
        InitMedia::Aac { asc, channels, sample_rate, bits_per_s } => stsd.nest(b"mp4a", |entry| {
            write_audio_entry(entry, *channels, *sample_rate);
            entry.full(b"esds", 0, 0, |esds| write_es_descriptor(esds, asc, *bits_per_s));
        }),
        InitMedia::Dolby(config) => {
            let kind = match config.codec {
                DolbyCodec::Ac3 => b"ac-3",
                DolbyCodec::Eac3 => b"ec-3",
            };
            stsd.nest(kind, |entry| {
                write_audio_entry(entry, config.channels() as u16, config.sample_rate());
                config.write_box(entry);
            });
        }
    }
}

/// A VisualSampleEntry (ISO/IEC 14496-12, 12.1.3), whatever the codec.
struct Visual {
    width: u16,
    height: u16,
    sample_aspect: (u32, u32),
    colour: Option<Colour>,
}

impl Visual {
    fn write(&self, stsd: &mut Writer, kind: FourCc, config_kind: FourCc, config: &[u8]) {
        stsd.nest(&kind, |entry| {
            entry.zeros(6);
            entry.u16(1);
            entry.zeros(16);
            entry.u16(self.width);
            entry.u16(self.height);
            entry.u32(0x0048_0000);
            entry.u32(0x0048_0000);
            entry.u32(0);
            entry.u16(1);
            entry.zeros(32);
            entry.u16(24);
            entry.u16(0xffff);
            entry.nest(&config_kind, |record| record.raw(config));
            if let Some(colour) = self.colour {
                entry.nest(b"colr", |colr| {
                    colr.raw(b"nclx");
                    colr.u16(colour.primaries);
                    colr.u16(colour.transfer);
                    colr.u16(colour.matrix);
                    colr.u8(u8::from(colour.full_range) << 7);
                });
            }
            if self.sample_aspect.0 != self.sample_aspect.1 {
                entry.nest(b"pasp", |pasp| {
                    pasp.u32(self.sample_aspect.0);
                    pasp.u32(self.sample_aspect.1);
                });
            }
        });
    }
}

/// The fields of an AudioSampleEntry before its boxes (ISO/IEC 14496-12, 12.2.3).
fn write_audio_entry(entry: &mut Writer, channels: u16, sample_rate: u32) {
    entry.zeros(6);
    entry.u16(1);
    entry.zeros(8);
    entry.u16(channels);
    entry.u16(16);
    entry.zeros(4);
    entry.u32(if sample_rate <= 0xffff { sample_rate << 16 } else { 0 });
}

/// The ES descriptor of MPEG-4 audio (ISO/IEC 14496-1, 7.2.6.5), lengths on one byte.
fn write_es_descriptor(esds: &mut Writer, asc: &[u8], bits_per_s: u32) {
    let specific = asc.len() as u8;
    esds.u8(3);
    esds.u8(3 + 2 + 13 + 2 + specific + 3);
    esds.u16(TRACK_ID as u16);
    esds.u8(0);
    esds.u8(4);
    esds.u8(13 + 2 + specific);
    esds.u8(0x40);
    esds.u8(0x15);
    esds.zeros(3);
    esds.u32(bits_per_s);
    esds.u32(bits_per_s);
    esds.u8(5);
    esds.u8(specific);
    esds.raw(asc);
    esds.raw(&[6, 1, 2]);
}

fn write_matrix(writer: &mut Writer) {
    for value in [0x0001_0000, 0, 0, 0, 0x0001_0000, 0, 0, 0, 0x4000_0000] {
        writer.u32(value);
    }
}

/// ISO 639-2/T in three times five bits; `und` when there is none.
fn packed_language(language: Option<&str>) -> u16 {
    let code = language.filter(|code| code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_lowercase()));
    code.unwrap_or("und").bytes().fold(0, |packed, byte| packed << 5 | u16::from(byte - 0x60))
}

/// The `moof` of a segment and the header of the `mdat` behind it: everything but the sample bytes. `samples` stand in
/// decode order; the segment ends, in presentation, at `end`.
pub fn write_fragment_head(sequence: u32, samples: &[SampleTiming], end: Ticks) -> Result<Vec<u8>> {
    let decode_times = decode_times(samples);
    let (Some(&start), Some(last)) = (decode_times.first(), samples.iter().map(|sample| sample.pts).max()) else {
        return Err(malformed("A segment without samples."));
    };
    if start < 0 || last >= end {
        return Err(malformed(format!("A segment of [{start}, {last}] that ends at {end}.")));
    }
    let data_bytes: u64 = samples.iter().map(|sample| u64::from(sample.bytes)).sum();
    let mut writer = Writer::new();
    let mut data_offset_at = 0;
    writer.nest(b"moof", |moof| {
        moof.full(b"mfhd", 0, 0, |mfhd| mfhd.u32(sequence));
        moof.nest(b"traf", |traf| {
            // default-base-is-moof
            traf.full(b"tfhd", 0, 0x02_0000, |tfhd| tfhd.u32(TRACK_ID));
            traf.full(b"tfdt", 1, 0, |tfdt| tfdt.u64(start as u64));
            // data-offset, and of each sample duration, size, flags, signed composition offset.
            traf.full(b"trun", 1, 0x0f01, |trun| {
                trun.u32(samples.len() as u32);
                data_offset_at = trun.len();
                trun.u32(0);
                let nexts = decode_times.iter().skip(1).copied().chain([end]);
                for ((sample, &decode), next) in samples.iter().zip(&decode_times).zip(nexts) {
                    trun.u32((next - decode) as u32);
                    trun.u32(sample.bytes);
                    trun.u32(if sample.is_sync { FLAGS_SYNC } else { FLAGS_NON_SYNC });
                    trun.i32((sample.pts - decode) as i32);
                }
            });
        });
    });
    let large = data_bytes + 8 > u64::from(u32::MAX);
    let header_bytes = if large { 16 } else { 8 };
    writer.patch_u32(data_offset_at, (writer.len() + header_bytes) as u32);
    writer.u32(if large { 1 } else { data_bytes as u32 + 8 });
    writer.raw(b"mdat");
    if large {
        writer.u64(data_bytes + 16);
    }
    Ok(writer.into_bytes())
}

/// The first sample of a segment as a segment of its own, which lasts as long: what trick play shows. `beginning` is the
/// segment up to the end of that sample.
pub fn sync_sample_segment(beginning: &[u8]) -> Result<Vec<u8>> {
    let mut reader = Reader::new(beginning);
    let moof = reader.next_box()?.filter(|found| &found.kind == b"moof");
    let fragment = Fragment::read(moof.ok_or_else(|| malformed("A segment without moof."))?.payload)?;
    let (start, is_sync) = fragment.start();
    let bytes = fragment.samples.first().map_or(0, |sample| sample.bytes);
    if !is_sync || bytes as usize > beginning.len() {
        return Err(malformed("A segment that does not begin with a whole sync sample."));
    }
    let end = start + fragment.duration_ticks() as Ticks;
    let mut segment = write_fragment_head(1, &[SampleTiming { pts: start, bytes, is_sync }], end)?;
    segment.extend_from_slice(&beginning[beginning.len() - bytes as usize..]);
    Ok(segment)
}

/// Decode times in decode order, each as late as can be: when the first of the samples still to come is presented. So no
/// composition offset is below zero (FFmpeg 5.1 would delay the whole track by the largest negative one), the segment's
/// decode time is its first presentation time, and no sample lasts beyond the segment's end, where a buffer would take
/// it for a part of the next one. Samples that would share an instant divide the time before it among them.
fn decode_times(samples: &[SampleTiming]) -> Vec<Ticks> {
    let mut times: Vec<Ticks> = samples.iter().map(|sample| sample.pts).collect();
    for place in (1..times.len()).rev() {
        times[place - 1] = times[place - 1].min(times[place]);
    }
    let mut place = 0;
    let mut before = None;
    while place < times.len() {
        let instant = times[place];
        let sharers = times[place..].iter().take_while(|&&time| time == instant).count();
        // The first group has nothing before it: its first sample is the first that is presented.
        let start = before.unwrap_or(instant);
        for (nth, time) in times[place..place + sharers].iter_mut().enumerate() {
            *time = start + (instant - start) * (nth as Ticks + 1) / sharers as Ticks;
        }
        before = Some(instant);
        place += sharers;
    }
    times
}

/// A `moof` read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fragment {
    pub decode_time: u64,
    pub samples: Vec<FragmentSample>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FragmentSample {
    pub duration: u32,
    pub bytes: u32,
    pub is_sync: bool,
    pub composition_offset: i32,
}

impl Fragment {
    /// Reads the payload of a `moof` of the form [`write_fragment_head`] writes.
    pub fn read(moof: Reader<'_>) -> Result<Fragment> {
        let traf = moof.path(&[b"traf"])?;
        let mut tfdt = traf.path(&[b"tfdt"])?;
        let decode_time = if tfdt.version_and_flags()?.0 == 1 { tfdt.u64()? } else { u64::from(tfdt.u32()?) };
        let mut trun = traf.path(&[b"trun"])?;
        if trun.version_and_flags()? != (1, 0x0f01) {
            return Err(malformed("moof/traf/trun is not of the form this project writes."));
        }
        let count = trun.u32()? as usize;
        trun.u32()?;
        if count > trun.len() / 16 {
            return Err(malformed("moof/traf/trun counts more samples than it holds."));
        }
        let mut samples = Vec::with_capacity(count);
        for _ in 0..count {
            samples.push(FragmentSample {
                duration: trun.u32()?,
                bytes: trun.u32()?,
                is_sync: trun.u32()? == FLAGS_SYNC,
                composition_offset: trun.u32()? as i32,
            });
        }
        Ok(Fragment { decode_time, samples })
    }

    pub fn duration_ticks(&self) -> u64 {
        self.samples.iter().map(|sample| u64::from(sample.duration)).sum()
    }

    pub fn data_bytes(&self) -> u64 {
        self.samples.iter().map(|sample| u64::from(sample.bytes)).sum()
    }

    /// The earliest presentation time, and whether the first sample is a sync sample that is presented then.
    pub fn start(&self) -> (Ticks, bool) {
        let mut decode = self.decode_time as Ticks;
        let mut earliest = Ticks::MAX;
        let mut first = None;
        for sample in &self.samples {
            let pts = decode.saturating_add(Ticks::from(sample.composition_offset));
            first = first.or(Some((pts, sample.is_sync)));
            earliest = earliest.min(pts);
            decode = decode.saturating_add(Ticks::from(sample.duration));
        }
        (earliest, first == Some((earliest, true)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::codec::codec_string;
    use proptest::prelude::*;

    fn sample(pts: Ticks, is_sync: bool) -> SampleTiming {
        SampleTiming { pts, bytes: 10, is_sync }
    }

    #[test]
    fn reordered_samples_begin_at_their_sync_sample_and_fill_the_segment() {
        // I P B B in decode order.
        let samples = [sample(100, true), sample(130, false), sample(110, false), sample(120, false)];
        let head = write_fragment_head(1, &samples, 140).unwrap();
        let mut reader = Reader::new(&head);
        let fragment = Fragment::read(reader.next_box().unwrap().unwrap().payload).unwrap();
        assert_eq!(fragment.decode_time, 100);
        assert_eq!(fragment.duration_ticks(), 40);
        assert_eq!(fragment.start(), (100, true));
        let offsets: Vec<i32> = fragment.samples.iter().map(|sample| sample.composition_offset).collect();
        assert_eq!(offsets, [0, 25, 0, 0]);
        let ends = fragment.samples.iter().scan(100, |decode, sample| {
            let pts = *decode + i64::from(sample.composition_offset);
            *decode += i64::from(sample.duration);
            Some(pts + i64::from(sample.duration))
        });
        assert_eq!(ends.max(), Some(140), "nothing lasts beyond the end");
        assert_eq!(reader.rest(), [0, 0, 0, 48, b'm', b'd', b'a', b't']);
    }

    #[test]
    fn no_offset_is_negative_even_where_pictures_pause() {
        // I P B, a pause of 1000, P B: the B before the pause is decoded after a P behind it.
        let samples = [sample(0, true), sample(20, false), sample(10, false), sample(1040, false), sample(1020, false)];
        let samples: Vec<SampleTiming> =
            samples.into_iter().chain([sample(1060, false), sample(1050, false)]).collect();
        let head = write_fragment_head(1, &samples, 1070).unwrap();
        let fragment = Fragment::read(Reader::new(&head).next_box().unwrap().unwrap().payload).unwrap();
        assert_eq!((fragment.start(), fragment.duration_ticks()), ((0, true), 1070));
        assert!(fragment.samples.iter().all(|sample| sample.composition_offset >= 0 && sample.duration > 0));
    }

    #[test]
    fn a_segment_that_is_empty_negative_or_past_its_end_is_refused() {
        assert!(write_fragment_head(1, &[], 10).is_err());
        assert!(write_fragment_head(1, &[sample(-1, true)], 10).is_err());
        assert!(write_fragment_head(1, &[sample(10, true)], 10).is_err());
    }

    #[test]
    fn the_codec_string_comes_from_the_init_segment() {
        let scale = Timescale::new(48_000).unwrap();
        let audio = InitMedia::Aac { asc: vec![0x11, 0x90], channels: 2, sample_rate: 48_000, bits_per_s: 128_000 };
        assert_eq!(codec_string(&write_init(&audio, scale, Some("eng"))).unwrap(), "mp4a.40.2");
        let config = AvcConfig::from_extradata(&[0, 0, 1, 0x67, 0x64, 0, 0x28, 1, 0, 0, 1, 0x68, 1]).unwrap();
        let colour = Some(Colour { primaries: 1, transfer: 1, matrix: 1, full_range: false });
        let video = InitMedia::Avc { config, width: 1920, height: 800, sample_aspect: (1, 1), colour };
        assert_eq!(codec_string(&write_init(&video, scale, None)).unwrap(), "avc1.640028");
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
            let _ = Fragment::read(Reader::new(&bytes)).map(|fragment| fragment.start());
            let _ = codec_string(&bytes);
        }
    }
}
