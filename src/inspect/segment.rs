//! One media segment or init segment, read as far as it has to be: the boxes, not the samples. Where a segment is
//! AES-128, the blocks that are needed are decrypted.

use std::ops::Range;

use aws_lc_rs::cipher::{AES_128, DecryptingKey, DecryptionContext, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;
use bytes::Bytes;
use url::Url;

use crate::base::error::Result;
use crate::base::limits;
use crate::hls::media::SegmentKind;
use crate::inspect::check::{self, Check};
use crate::inspect::fragment::{self, SampleDefaults, TrackFragment};
use crate::inspect::sample_entry::{EntryMedia, SampleEntry};
use crate::inspect::source::{Source, too_large, unreadable};
use crate::media::isobmff::{BoxHeader, BoxSize, FourCc, Reader, text};
use crate::media::malformed;
use crate::media::protect::Protection;
use crate::media::time::Timescale;

const BLOCK_BYTES: u64 = 16;

/// A rule that a segment breaks, and how.
pub type Fault = (&'static Check, String);

/// The bytes of one segment in a resource.
pub struct Piece<'a> {
    pub source: &'a dyn Source,
    pub url: &'a Url,
    pub range: Option<Range<u64>>,
    pub protection: Option<&'a Protection>,
}

/// Bytes of a piece, and how long it is.
struct Portion {
    bytes: Bytes,
    /// As it is carried, padding included.
    piece_bytes: u64,
}

/// What an init segment says of its one track.
#[derive(Clone, Debug)]
pub struct Init {
    pub handler: FourCc,
    pub timescale: Timescale,
    pub track_id: u32,
    pub entry: Option<SampleEntry>,
    /// From `tkhd`, in whole pixels.
    pub shown: (u32, u32),
    pub defaults: SampleDefaults,
}

/// What a segment of fragmented MPEG-4 holds.
#[derive(Clone, Debug, Default)]
pub struct SegmentFacts {
    /// As it is carried.
    pub bytes: u64,
    pub decode_time: Option<u64>,
    /// The earliest presentation time.
    pub start_ticks: i64,
    pub duration_ticks: u64,
    pub sample_ticks_max: u32,
    pub sample_ticks_min: u32,
    pub samples: u64,
    pub sync_samples: u64,
    pub begins_with_sync: bool,
    /// Where the first sample ends, from the segment's first byte.
    pub first_sample_end: u64,
    pub faults: Vec<Fault>,
}

impl Piece<'_> {
    /// Up to `len` bytes from `offset` on.
    async fn read(&self, offset: u64, len: u64) -> Result<Portion> {
        let start = self.range.as_ref().map_or(0, |range| range.start);
        let limit = self.range.as_ref().map_or(u64::MAX, |range| range.end - range.start);
        // A block is opened with the one before it.
        let (from, to) = if self.protection.is_some() {
            let first = offset / BLOCK_BYTES * BLOCK_BYTES;
            (first.saturating_sub(BLOCK_BYTES), offset.saturating_add(len).next_multiple_of(BLOCK_BYTES))
        } else {
            (offset, offset.saturating_add(len))
        };
        let to = to.min(limit);
        if from >= to {
            return Ok(Portion { bytes: Bytes::new(), piece_bytes: limit });
        }
        let part = self.source.read(self.url, start + from..start.saturating_add(to)).await?;
        let piece_bytes = limit.min(part.total_bytes.saturating_sub(start));
        let Some(protection) = self.protection else { return Ok(Portion { bytes: part.bytes, piece_bytes }) };
        let (iv, sealed) = match from {
            0 if offset < BLOCK_BYTES => (*protection.iv.expose(), part.bytes.as_ref()),
            _ => match part.bytes.split_first_chunk::<16>() {
                Some((before, sealed)) => (*before, sealed),
                None => return Ok(Portion { bytes: Bytes::new(), piece_bytes }),
            },
        };
        let opened = open_blocks(sealed, protection, iv)?;
        let first = if offset < BLOCK_BYTES { 0 } else { from + BLOCK_BYTES };
        let skip = usize::try_from(offset - first).unwrap_or(usize::MAX).min(opened.len());
        let mut bytes = Bytes::from(opened).slice(skip..);
        bytes.truncate(usize::try_from(len).unwrap_or(usize::MAX));
        Ok(Portion { bytes, piece_bytes })
    }

    /// All of it, at most `bytes_max`, without the padding.
    pub async fn whole(&self, bytes_max: u64) -> Result<Bytes> {
        let portion = self.read(0, bytes_max + 1).await?;
        if portion.piece_bytes > bytes_max || portion.bytes.len() as u64 > bytes_max {
            return Err(too_large(self.url, bytes_max));
        }
        let padding = match self.protection {
            Some(_) => portion.bytes.last().map_or(0, |&last| usize::from(last)),
            None => 0,
        };
        Ok(portion.bytes.slice(..portion.bytes.len().saturating_sub(padding)))
    }

    /// The first bytes, which tell what it is, and how many it has.
    pub async fn beginning(&self) -> Result<(Bytes, u64)> {
        let portion = self.read(0, limits::INSPECT_HEAD_BYTES).await?;
        Ok((portion.bytes, portion.piece_bytes))
    }
}

/// The cipher blocks of `sealed` that are whole.
fn open_blocks(sealed: &[u8], protection: &Protection, iv: [u8; 16]) -> Result<Vec<u8>> {
    let whole = sealed.len() / 16 * 16;
    let mut opened = sealed[..whole].to_vec();
    let fault = |_| malformed("AES-128-CBC does not open it.");
    let key = UnboundCipherKey::new(&AES_128, protection.key.expose()).map_err(fault)?;
    let context = DecryptionContext::Iv128(FixedLength::from(&iv));
    DecryptingKey::cbc(key)
        .and_then(|key| key.decrypt(&mut opened, context).map(|plain| plain.len()))
        .map_err(fault)?;
    Ok(opened)
}

impl Init {
    /// Reads an init segment; what is wrong with it is said in `faults`.
    pub fn read(bytes: &[u8], faults: &mut Vec<Fault>) -> Result<Init> {
        let file = Reader::new(bytes);
        match file.find(b"ftyp")? {
            None => faults.push((check::INIT_SEGMENT_WRONG, "It has no ftyp.".to_owned())),
            Some(mut ftyp) => {
                // The major brand counts too; between it and the others stands a version.
                let mut brands = vec![ftyp.fourcc()?];
                ftyp.u32()?;
                while let Ok(brand) = ftyp.fourcc() {
                    brands.push(brand);
                }
                if !brands.iter().copied().any(is_iso6_or_higher) {
                    let brands: Vec<String> = brands.into_iter().map(text).collect();
                    faults.push((check::INIT_BRAND_MISSING, format!("Its brands are {}.", brands.join(", "))));
                }
            }
        }
        let moov = file.path(&[b"moov"])?;
        let mut tracks = 0;
        let mut boxes = moov;
        while let Some(child) = boxes.next_box()? {
            tracks += usize::from(&child.kind == b"trak");
        }
        if tracks != 1 {
            faults.push((check::CMAF_TRACKS, format!("It has {tracks} tracks.")));
        }
        let track = moov.path(&[b"trak"])?;
        let track_id = track_id(track)?;
        let mut defaults = SampleDefaults::default();
        match moov.find(b"mvex")? {
            None => faults.push((check::INIT_SEGMENT_WRONG, "It has no mvex.".to_owned())),
            Some(mvex) => {
                let mut trex = mvex.path(&[b"trex"])?;
                trex.take(12)?;
                defaults = SampleDefaults { duration: trex.u32()?, bytes: trex.u32()?, flags: trex.u32()? };
            }
        }
        let media = track.path(&[b"mdia"])?;
        let mut mdhd = media.path(&[b"mdhd"])?;
        let wide = mdhd.version_and_flags()?.0 == 1;
        mdhd.take(if wide { 16 } else { 8 })?;
        let timescale = Timescale::new(mdhd.u32()?)?;
        let mut hdlr = media.path(&[b"hdlr"])?;
        hdlr.take(8)?;
        let handler = hdlr.fourcc()?;
        let table = media.path(&[b"minf", b"stbl"])?;
        for kind in [b"stts", b"stsc", b"stco", b"co64", b"stsz"] {
            if let Some(mut list) = table.find(kind)? {
                list.take(if kind == b"stsz" { 8 } else { 4 })?;
                if list.u32()? != 0 {
                    faults.push((check::INIT_SEGMENT_WRONG, format!("Its {} has entries.", text(*kind))));
                }
            }
        }
        let entry = read_entry(table, handler);
        let entry = match entry {
            Ok(entry) => Some(entry),
            Err(error) => {
                faults.push((check::SAMPLE_ENTRY_WRONG, error.message().to_owned()));
                None
            }
        };
        Ok(Init { handler, timescale, track_id, entry, shown: shown(track)?, defaults })
    }

    pub fn is_video(&self) -> bool {
        &self.handler == b"vide"
    }

    pub fn is_audio(&self) -> bool {
        &self.handler == b"soun"
    }

    /// The sizes at which players show this video: coded size widened by the sample aspect, or what `tkhd` says.
    pub fn sizes(&self) -> Vec<(u32, u32)> {
        let mut sizes = vec![self.shown];
        if let Some(SampleEntry {
            media: EntryMedia::Video { width, height, sample_aspect: (wide, high), .. }, ..
        }) = self.entry
        {
            let widened = (u64::from(width) * u64::from(wide) + u64::from(high) / 2) / u64::from(high);
            sizes.push((u32::try_from(widened).unwrap_or(u32::MAX), u32::from(height)));
            sizes.push((u32::from(width), u32::from(height)));
        }
        sizes
    }
}

/// `iso6` to `iso9`, `isoa` and so on, or a CMAF brand, which includes it.
fn is_iso6_or_higher(brand: FourCc) -> bool {
    matches!(brand, [b'i', b's', b'o', b'6'..=b'9' | b'a'..=b'z']) && &brand != b"isom"
        || matches!(&brand, b"cmfc" | b"cmf2" | b"cmfs" | b"cmff" | b"cmfl")
}

pub(crate) fn track_id(track: Reader<'_>) -> Result<u32> {
    let mut tkhd = track.path(&[b"tkhd"])?;
    let wide = tkhd.version_and_flags()?.0 == 1;
    tkhd.take(if wide { 16 } else { 8 })?;
    tkhd.u32()
}

fn shown(track: Reader<'_>) -> Result<(u32, u32)> {
    let mut tkhd = track.path(&[b"tkhd"])?;
    let wide = tkhd.version_and_flags()?.0 == 1;
    tkhd.take(if wide { 32 } else { 20 } + 52)?;
    Ok((tkhd.u32()? >> 16, tkhd.u32()? >> 16))
}

pub(crate) fn read_entry(table: Reader<'_>, handler: FourCc) -> Result<SampleEntry> {
    let mut stsd = table.path(&[b"stsd"])?;
    stsd.take(8)?;
    let entry = stsd.next_box()?.ok_or_else(|| malformed("stsd has no sample entry."))?;
    SampleEntry::read(&entry, handler)
}

/// Reads the fragments of a segment.
pub async fn read(piece: &Piece<'_>, init: &Init, kind: SegmentKind) -> Result<SegmentFacts> {
    let mut facts = SegmentFacts { sample_ticks_min: u32::MAX, ..SegmentFacts::default() };
    let (mut head, piece_bytes) = piece.beginning().await?;
    let mut head_at = 0_u64;
    facts.bytes = piece_bytes;
    if let Some(range) = &piece.range
        && piece_bytes < range.end - range.start
    {
        facts.faults.push((check::BYTERANGE_OUTSIDE, format!("{piece_bytes} of its bytes are in the resource.")));
    }
    if piece.protection.is_some() && !piece_bytes.is_multiple_of(BLOCK_BYTES) {
        facts.faults.push((check::SEGMENT_NOT_DECRYPTABLE, format!("It has {piece_bytes} bytes.")));
        return Ok(facts);
    }
    let broken = |facts: &mut SegmentFacts, message: String| {
        let of_cipher = piece.protection.is_some() && facts.samples == 0;
        let check = if of_cipher { check::SEGMENT_NOT_DECRYPTABLE } else { check::SEGMENT_WRONG };
        facts.faults.push((check, message));
    };
    let mut at = 0_u64;
    let mut fragments = 0;
    let mut expected: Option<u64> = None;
    // The padding of a sealed piece is no box.
    let padding_max = if piece.protection.is_some() { BLOCK_BYTES } else { 0 };
    let mut pending: Option<(u64, TrackFragment)> = None;
    while at + padding_max < piece_bytes {
        let left = piece_bytes - at;
        if at < head_at || at + 16.min(left) > head_at + head.len() as u64 {
            head = piece.read(at, limits::INSPECT_HEAD_BYTES.min(left)).await?.bytes;
            head_at = at;
        }
        let skip = usize::try_from(at - head_at).unwrap_or(usize::MAX);
        let header = match BoxHeader::read(&mut Reader::at(head.get(skip..).unwrap_or_default(), at)) {
            Ok(header) if header.kind.iter().all(u8::is_ascii_graphic) || header.kind[3] == b' ' => header,
            _ => {
                broken(&mut facts, format!("At byte {at} there is no box."));
                return Ok(facts);
            }
        };
        let size = match header.size {
            BoxSize::Bytes(size) => size,
            BoxSize::ToEnd => left,
        };
        match &header.kind {
            b"moof" => {
                fragments += 1;
                if size > limits::INSPECT_BOX_BYTES_MAX || size > left || fragments > limits::INSPECT_FRAGMENTS_MAX {
                    broken(&mut facts, format!("The moof at byte {at} has {size} bytes, or it is one too many."));
                    return Ok(facts);
                }
                if at + size > head_at + head.len() as u64 {
                    head = piece.read(at, size).await?.bytes;
                    head_at = at;
                }
                let skip = usize::try_from(at - head_at).unwrap_or(usize::MAX);
                let mut reader = Reader::at(head.get(skip..).unwrap_or_default(), at);
                let fragments = reader
                    .next_box()
                    .and_then(|found| found.ok_or_else(|| unreadable(piece.url, "it breaks off")))
                    .and_then(|moof| fragment::read(&moof, |_| init.defaults));
                let fragments = match fragments {
                    Ok(fragments) => fragments,
                    Err(error) => {
                        broken(&mut facts, error.message().to_owned());
                        return Ok(facts);
                    }
                };
                match <[TrackFragment; 1]>::try_from(fragments) {
                    Ok([fragment]) => pending = Some((at, fragment)),
                    Err(several) => {
                        broken(&mut facts, format!("A moof has {} track fragments.", several.len()));
                        return Ok(facts);
                    }
                }
            }
            b"mdat" => match pending.take() {
                None => broken(&mut facts, format!("The mdat at byte {at} has no moof before it.")),
                Some((moof_at, fragment)) => {
                    let data = at + header.header_bytes..at.saturating_add(size);
                    // A byte range of a single sample cuts its mdat short.
                    if data.end > piece_bytes && kind == SegmentKind::Whole {
                        broken(&mut facts, format!("Its mdat ends at byte {} of {piece_bytes}.", data.end));
                    }
                    take_fragment(&mut facts, &fragment, moof_at, data, &mut expected);
                }
            },
            _ if size > left => broken(&mut facts, format!("The box at byte {at} runs past the segment.")),
            _ => {}
        }
        at = at.saturating_add(size);
    }
    if pending.is_some() || fragments == 0 {
        broken(&mut facts, "It has no moof with an mdat behind it.".to_owned());
    }
    Ok(facts)
}

/// Adds what a fragment says to what is known of its segment. `data` is where the payload of its `mdat` lies.
fn take_fragment(
    facts: &mut SegmentFacts,
    fragment: &TrackFragment,
    moof_at: u64,
    data: Range<u64>,
    expected: &mut Option<u64>,
) {
    let is_first = facts.samples == 0;
    match fragment.decode_time {
        None => facts.faults.push((check::TFDT_MISSING, "It has no tfdt.".to_owned())),
        Some(time) => {
            if expected.is_some_and(|expected| expected != time) {
                facts.faults.push((check::SEGMENT_TIME_GAP, "Its fragments do not join.".to_owned()));
            }
            facts.decode_time = facts.decode_time.or(Some(time));
            *expected = Some(time.saturating_add(fragment.duration_ticks()));
        }
    }
    if !fragment.is_based_on_moof {
        facts.faults.push((check::BASE_NOT_MOOF, "tfhd has no default-base-is-moof, or a base of its own.".to_owned()));
    }
    for &(offset, len) in &fragment.runs {
        let start = (moof_at as i64).saturating_add(offset);
        let end = start.saturating_add(len as i64);
        if start < data.start as i64 || end > data.end as i64 {
            facts
                .faults
                .push((check::SAMPLE_DATA_OUTSIDE, format!("A run of samples lies in bytes {start} to {end}.")));
        }
    }
    let Some((start, _)) = fragment.presented() else { return };
    if is_first {
        facts.start_ticks = start;
        facts.begins_with_sync = fragment.samples.first().is_some_and(|sample| sample.is_sync);
        let at = fragment.runs.first().map_or(0, |&(offset, _)| (moof_at as i64).saturating_add(offset));
        let bytes = fragment.samples.first().map_or(0, |sample| u64::from(sample.bytes));
        facts.first_sample_end = u64::try_from(at).unwrap_or(0).saturating_add(bytes);
    }
    facts.start_ticks = facts.start_ticks.min(start);
    facts.duration_ticks += fragment.duration_ticks();
    facts.samples += fragment.samples.len() as u64;
    facts.sync_samples += fragment.samples.iter().filter(|sample| sample.is_sync).count() as u64;
    let durations = || fragment.samples.iter().map(|sample| sample.duration);
    facts.sample_ticks_max = facts.sample_ticks_max.max(durations().max().unwrap_or(0));
    facts.sample_ticks_min =
        facts.sample_ticks_min.min(durations().filter(|&ticks| ticks > 0).min().unwrap_or(u32::MAX));
}
