//! Codec strings (RFC 6381) from the sample entry of an init segment, so that a playlist says what the bytes are and
//! not what an encoder was asked for.

use crate::base::error::Result;
use crate::media::aac::AacConfig;
use crate::media::av1::Av1Config;
use crate::media::avc::AvcConfig;
use crate::media::dolby::DolbyCodec;
use crate::media::hevc::HevcConfig;
use crate::media::isobmff::{Reader, text};
use crate::media::malformed;

/// Bytes of a VisualSampleEntry before its boxes (ISO/IEC 14496-12, 12.1.3).
pub(crate) const VISUAL_ENTRY_BYTES: usize = 78;
/// Bytes of an AudioSampleEntry before its boxes (12.2.3).
const AUDIO_ENTRY_BYTES: usize = 28;

/// The codec string of the one track in `init`.
pub fn codec_string(init: &[u8]) -> Result<String> {
    let mut stsd = Reader::new(init).path(&[b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd"])?;
    stsd.version_and_flags()?;
    stsd.u32()?;
    let mut entry = stsd.next_box()?.ok_or_else(|| malformed("stsd without a sample entry."))?;
    match &entry.kind {
        b"avc1" => {
            entry.payload.take(VISUAL_ENTRY_BYTES)?;
            Ok(AvcConfig::from_record(entry.payload.path(&[b"avcC"])?.rest())?.codec_string())
        }
        b"hvc1" => {
            entry.payload.take(VISUAL_ENTRY_BYTES)?;
            Ok(HevcConfig::from_record(entry.payload.path(&[b"hvcC"])?.rest())?.codec_string())
        }
        b"av01" => {
            entry.payload.take(VISUAL_ENTRY_BYTES)?;
            Ok(Av1Config::from_record(entry.payload.path(&[b"av1C"])?.rest())?.codec_string())
        }
        b"mp4a" => {
            entry.payload.take(AUDIO_ENTRY_BYTES)?;
            let esds = entry.payload.path(&[b"esds"])?;
            Ok(AacConfig::from_asc(audio_specific_config(esds)?)?.codec_string())
        }
        b"ac-3" => {
            entry.payload.take(AUDIO_ENTRY_BYTES)?;
            entry.payload.path(&[b"dac3"])?;
            Ok(DolbyCodec::Ac3.codec_string().to_owned())
        }
        b"ec-3" => {
            entry.payload.take(AUDIO_ENTRY_BYTES)?;
            entry.payload.path(&[b"dec3"])?;
            Ok(DolbyCodec::Eac3.codec_string().to_owned())
        }
        other => Err(malformed(format!("The sample entry {} has no codec string here.", text(*other)))),
    }
}

/// The DecoderSpecificInfo inside an `esds` (ISO/IEC 14496-1, 7.2.6).
fn audio_specific_config(mut esds: Reader<'_>) -> Result<&[u8]> {
    esds.version_and_flags()?;
    let mut es = descriptor(&mut esds, 3)?;
    es.take(3)?;
    let mut config = descriptor(&mut es, 4)?;
    config.take(13)?;
    Ok(descriptor(&mut config, 5)?.rest())
}

/// The descriptor that `reader` is at, if it is of this tag (ISO/IEC 14496-1, 8.3.3).
pub(crate) fn descriptor<'a>(reader: &mut Reader<'a>, expected: u8) -> Result<Reader<'a>> {
    let tag = reader.u8()?;
    if tag != expected {
        return Err(malformed(format!("esds: descriptor {expected} expected, {tag} found.")));
    }
    let mut len = 0_usize;
    for _ in 0..4 {
        let byte = reader.u8()?;
        len = len << 7 | usize::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            break;
        }
    }
    reader.sub(len)
}
