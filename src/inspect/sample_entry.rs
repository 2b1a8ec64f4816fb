//! A sample entry (ISO/IEC 14496-12, 8.5.2) as a player reads it: codec, size, colour, channels, protection.

use std::fmt::Write;

use serde_json::{Map, Value, json};

use crate::base::error::Result;
use crate::media::aac::AacConfig;
use crate::media::avc::AvcConfig;
use crate::media::codec::descriptor;
use crate::media::dolby;
use crate::media::isobmff::{BoxAt, FourCc, Reader, text};
use crate::media::malformed;

/// Bytes of a VisualSampleEntry before its boxes (12.1.3), of an AudioSampleEntry (12.2.3), of any other (8.5.2).
const VISUAL_BYTES: usize = 78;
const AUDIO_BYTES: usize = 28;
const PLAIN_BYTES: usize = 8;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SampleEntry {
    /// As it stands in `stsd`: `avc1`, `encv`.
    pub format: FourCc,
    /// RFC 6381; `None` for a codec that is not known here.
    pub codec: Option<String>,
    /// The scheme of common encryption, such as `cbcs`.
    pub scheme: Option<FourCc>,
    pub media: EntryMedia,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryMedia {
    Video {
        /// Coded.
        width: u16,
        height: u16,
        /// `pasp`, 1:1 where there is none.
        sample_aspect: (u32, u32),
        /// `colr`: the code point of the transfer function.
        transfer: Option<u16>,
        /// Bytes of the lengths before NAL units, of codecs that have those.
        nal_length_bytes: Option<u8>,
    },
    Audio {
        channels: u16,
        sample_rate: u32,
    },
    Other,
}

impl EntryMedia {
    /// Adds what a person asks for first.
    pub fn describe(&self, fields: &mut Map<String, Value>) {
        match self {
            EntryMedia::Video { width, height, sample_aspect: (wide, high), transfer, .. } => {
                fields.insert("width".to_owned(), json!(width));
                fields.insert("height".to_owned(), json!(height));
                if wide != high {
                    fields.insert("sample_aspect".to_owned(), json!(format!("{wide}:{high}")));
                }
                if let Some(transfer) = transfer {
                    fields.insert("transfer".to_owned(), json!(transfer));
                }
            }
            EntryMedia::Audio { channels, sample_rate } => {
                fields.insert("channels".to_owned(), json!(channels));
                fields.insert("sample_rate".to_owned(), json!(sample_rate));
            }
            EntryMedia::Other => {}
        }
    }
}

impl SampleEntry {
    /// Reads the entry of a track whose handler is `handler`.
    pub fn read(entry: &BoxAt<'_>, handler: FourCc) -> Result<SampleEntry> {
        let mut fields = entry.payload;
        let mut entry_media = EntryMedia::Other;
        let (mut width, mut height, mut channels, mut sample_rate) = (0, 0, 0, 0);
        match &handler {
            b"vide" => {
                let mut head = fields.sub(VISUAL_BYTES)?;
                head.take(24)?;
                (width, height) = (head.u16()?, head.u16()?);
            }
            b"soun" => {
                let mut head = fields.sub(AUDIO_BYTES)?;
                head.take(8)?;
                // QuickTime's versions 1 and 2 have more fields before the boxes (QuickTime File Format, sound media).
                let version = head.u16()?;
                head.take(6)?;
                channels = head.u16()?;
                head.take(6)?;
                sample_rate = head.u32()? >> 16;
                let more = match version {
                    1 => 16,
                    2 => 36,
                    _ => 0,
                };
                if fields.len() >= more {
                    fields.take(more)?;
                }
            }
            _ => {
                fields.take(PLAIN_BYTES)?;
            }
        }
        let scheme_info = if matches!(&entry.kind, b"encv" | b"enca") { fields.find(b"sinf")? } else { None };
        let (format, scheme) = match scheme_info {
            None => (entry.kind, None),
            Some(sinf) => {
                let original = sinf.path(&[b"frma"])?.fourcc()?;
                let mut schm = sinf.path(&[b"schm"])?;
                schm.version_and_flags()?;
                (original, Some(schm.fourcc()?))
            }
        };
        let config = Config::read(format, fields)?;
        match &handler {
            b"vide" => {
                let sample_aspect = match fields.find(b"pasp")? {
                    Some(mut pasp) => (pasp.u32()?.max(1), pasp.u32()?.max(1)),
                    None => (1, 1),
                };
                let nal_length_bytes = config.nal_length_bytes;
                entry_media =
                    EntryMedia::Video { width, height, sample_aspect, transfer: transfer(fields)?, nal_length_bytes };
            }
            b"soun" => {
                entry_media = EntryMedia::Audio {
                    channels: config.channels.unwrap_or(channels),
                    sample_rate: config.sample_rate.unwrap_or(sample_rate),
                };
            }
            _ => {}
        }
        Ok(SampleEntry { format: entry.kind, codec: config.codec, scheme, media: entry_media })
    }

    /// What the multivariant playlist should call the range of this video; `None` where the entry does not say.
    pub fn video_range(&self) -> Option<&'static str> {
        match self.media {
            EntryMedia::Video { transfer: Some(transfer), .. } => match transfer {
                16 => Some("PQ"),
                18 => Some("HLG"),
                1 | 6 | 13 | 14 | 15 => Some("SDR"),
                _ => None,
            },
            _ => None,
        }
    }
}

/// Whether what a playlist says of a codec is what the sample entry says. The optional fields of AV1 and VP9 may be left
/// out.
pub fn is_same_codec(said: &str, found: &str) -> bool {
    if said.eq_ignore_ascii_case(found) {
        return true;
    }
    let parts = |codec: &str| codec.split('.').take(4).map(str::to_ascii_lowercase).collect::<Vec<_>>();
    matches!(found.split('.').next(), Some("av01" | "vp09")) && parts(said) == parts(found)
}

#[derive(Default)]
struct Config {
    codec: Option<String>,
    nal_length_bytes: Option<u8>,
    channels: Option<u16>,
    sample_rate: Option<u32>,
}

impl Config {
    fn read(format: FourCc, boxes: Reader<'_>) -> Result<Config> {
        let name = text(format);
        match &format {
            b"avc1" | b"avc3" => {
                let config = AvcConfig::from_record(boxes.path(&[b"avcC"])?.rest())?;
                let codec = config.codec_string().replacen("avc1", &name, 1);
                let nal_length_bytes = Some(config.nal_length_bytes());
                Ok(Config { codec: Some(codec), nal_length_bytes, ..Config::default() })
            }
            b"hvc1" | b"hev1" => hevc(&name, boxes.path(&[b"hvcC"])?),
            b"av01" => {
                let mut record = boxes.path(&[b"av1C"])?;
                let [_, second, third] = *record.take(3)?.first_chunk::<3>().unwrap_or(&[0; 3]);
                let depth = match (third >> 6 & 1, third >> 5 & 1) {
                    (0, _) => 8,
                    (_, 1) if second >> 5 == 2 => 12,
                    _ => 10,
                };
                let tier = if third >> 7 == 1 { 'H' } else { 'M' };
                let codec = format!("av01.{}.{:02}{tier}.{depth:02}", second >> 5, second & 0x1f);
                Ok(Config { codec: Some(codec), ..Config::default() })
            }
            b"vp09" => {
                let mut record = boxes.path(&[b"vpcC"])?;
                record.version_and_flags()?;
                let (profile, level, packed) = (record.u8()?, record.u8()?, record.u8()?);
                let codec = format!("vp09.{profile:02}.{level:02}.{:02}", packed >> 4);
                Ok(Config { codec: Some(codec), ..Config::default() })
            }
            b"mp4a" => {
                // QuickTime wraps it into `wave`.
                let esds = match boxes.find(b"esds")? {
                    Some(esds) => Some(esds),
                    None => boxes.find(b"wave")?.map(|wave| wave.path(&[b"esds"])).transpose()?,
                };
                esds.map_or_else(|| Err(malformed("mp4a has no esds box.")), mpeg4_audio)
            }
            b"ac-3" => {
                let mut record = boxes.path(&[b"dac3"])?;
                let fields = record.take(3)?;
                let channels = dolby::channels(fields[1] >> 3 & 7, fields[1] >> 2 & 1 == 1);
                Ok(Config { codec: Some(name), channels: u16::try_from(channels).ok(), ..Config::default() })
            }
            b"ec-3" => {
                let mut record = boxes.path(&[b"dec3"])?;
                let fields = record.take(5)?;
                let channels = dolby::channels(fields[3] >> 1 & 7, fields[3] & 1 == 1);
                Ok(Config { codec: Some(name), channels: u16::try_from(channels).ok(), ..Config::default() })
            }
            b"Opus" | b"fLaC" | b"alac" | b"wvtt" | b"stpp" => Ok(Config { codec: Some(name), ..Config::default() }),
            _ => Ok(Config::default()),
        }
    }
}

/// `hvc1.…` (ISO/IEC 14496-15, Annex E).
fn hevc(name: &str, mut record: Reader<'_>) -> Result<Config> {
    record.u8()?;
    let profile = record.u8()?;
    let compatibility = record.u32()?.reverse_bits();
    let constraints = record.take(6)?;
    let level = record.u8()?;
    record.take(8)?;
    let nal_length_bytes = (record.u8()? & 3) + 1;
    let space = ["", "A", "B", "C"][usize::from(profile >> 6)];
    let tier = if profile >> 5 & 1 == 1 { 'H' } else { 'L' };
    let mut codec = format!("{name}.{space}{}.{compatibility:X}.{tier}{level}", profile & 0x1f);
    let kept = constraints.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    for byte in &constraints[..kept] {
        // Writing to a String cannot fail.
        let _ = write!(codec, ".{byte:X}");
    }
    Ok(Config { codec: Some(codec), nal_length_bytes: Some(nal_length_bytes), ..Config::default() })
}

/// The DecoderConfigDescriptor inside an `esds` (ISO/IEC 14496-1, 7.2.6.6).
fn mpeg4_audio(mut esds: Reader<'_>) -> Result<Config> {
    esds.version_and_flags()?;
    let mut es = descriptor(&mut esds, 3)?;
    es.take(2)?;
    let flags = es.u8()?;
    if flags & 0x80 != 0 {
        es.take(2)?;
    }
    if flags & 0x40 != 0 {
        let len = es.u8()?;
        es.take(usize::from(len))?;
    }
    if flags & 0x20 != 0 {
        es.take(2)?;
    }
    let mut config = descriptor(&mut es, 4)?;
    let object_type = config.u8()?;
    if object_type != 0x40 {
        return Ok(Config { codec: Some(format!("mp4a.{object_type:02X}")), ..Config::default() });
    }
    config.take(12)?;
    let asc = descriptor(&mut config, 5)?.rest();
    // What this reader does not know is not wrong for it; the object type it always has.
    let known = AacConfig::from_asc(asc).ok();
    let audio_object = asc.first().map_or(0, |first| first >> 3);
    Ok(Config {
        codec: Some(format!("mp4a.40.{audio_object}")),
        channels: known.as_ref().map(|config| u16::from(config.channels)),
        sample_rate: known.map(|config| config.sample_rate),
        nal_length_bytes: None,
    })
}

/// The transfer function of a `colr` box of type `nclx` or `nclc`.
fn transfer(mut boxes: Reader<'_>) -> Result<Option<u16>> {
    while let Some(found) = boxes.next_box()? {
        if &found.kind == b"colr" {
            let mut colr = found.payload;
            if matches!(&colr.fourcc()?, b"nclx" | b"nclc") {
                colr.u16()?;
                return Ok(Some(colr.u16()?));
            }
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::isobmff::Writer;

    fn video(format: FourCc, config: FourCc, record: &[u8], colr: Option<u16>) -> Result<SampleEntry> {
        let mut writer = Writer::new();
        writer.nest(&format, |entry| {
            entry.zeros(24);
            entry.u16(1920);
            entry.u16(1080);
            entry.zeros(50);
            entry.nest(&config, |config| config.raw(record));
            if let Some(transfer) = colr {
                entry.nest(b"colr", |colr| {
                    colr.raw(b"nclx");
                    for value in [9, transfer, 9] {
                        colr.u16(value);
                    }
                    colr.u8(0);
                });
            }
        });
        let bytes = writer.into_bytes();
        SampleEntry::read(&Reader::new(&bytes).next_box()?.unwrap(), *b"vide")
    }

    #[test]
    fn codec_strings_are_those_of_the_registrations() {
        // Main 10, level 5.1, high tier, progressive frames only.
        let mut hvcc = vec![1, 0x22, 0x20, 0, 0, 0, 0x90, 0, 0, 0, 0, 0, 153];
        hvcc.extend([0; 8]);
        hvcc.extend([3, 0]);
        let entry = video(*b"hvc1", *b"hvcC", &hvcc, Some(16)).unwrap();
        assert_eq!(entry.codec.as_deref(), Some("hvc1.2.4.H153.90"));
        assert_eq!(entry.video_range(), Some("PQ"));
        let av1 = video(*b"av01", *b"av1C", &[0x81, 0x08, 0x4c, 0], Some(18)).unwrap();
        assert_eq!((av1.codec.as_deref(), av1.video_range()), (Some("av01.0.08M.10"), Some("HLG")));
        let vp9 = video(*b"vp09", *b"vpcC", &[1, 0, 0, 0, 2, 31, 0xa0, 1, 1, 1, 0, 0], None).unwrap();
        assert_eq!((vp9.codec.as_deref(), vp9.video_range()), (Some("vp09.02.31.10"), None));
        assert!(is_same_codec("av01.0.08M.10.0.110.09", "av01.0.08M.10"));
        assert!(is_same_codec("avc1.64001f", "avc1.64001F") && !is_same_codec("avc1.64001e", "avc1.64001F"));
        assert!(video(*b"hvc1", *b"hvcC", &hvcc[..10], None).is_err());
        assert!(video(*b"avc1", *b"free", &[], None).is_err());
    }
}
