//! Common Encryption, scheme `cbcs` (ISO/IEC 23001-7, 10.4): AES-128-CBC over the samples of a track, with one constant IV
//! that is said in the init segment.
//!
//! ```text
//! video   per NAL unit with a coded slice:
//!         | length, NAL header, slice header | 16 sealed, 144 clear | 16 sealed, 144 clear | … | rest clear |
//!         other NAL units are clear. Where the sealed ranges lie is said by `senc`, `saiz` and `saio` in the `traf`.
//! audio   per sample: | every whole block of 16 sealed | rest clear |
//! ```
//!
//! CBC runs on over the sealed blocks of one range and begins anew with the IV in the next. In the init segment the sample
//! entry becomes `encv` or `enca` with a `sinf` that says the scheme, the key's id and the IV, and a `pssh` of the W3C
//! common system (1077efec-…) names the key, so that a browser can ask for it.

use aws_lc_rs::cipher::{AES_128, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::id::KeyId;
use crate::media::avc::AvcConfig;
use crate::media::avc_slice::SliceHeaders;
use crate::media::cmaf::Fragment;
use crate::media::codec::VISUAL_ENTRY_BYTES;
use crate::media::isobmff::{BoxAt, FourCc, Reader, Writer, text};
use crate::media::malformed;
use crate::media::protect::{Iv, Protection, fault};

const BLOCK: usize = 16;
const CRYPT_BLOCKS: u8 = 1;
const SKIP_BLOCKS: u8 = 9;
const STRIDE: usize = BLOCK * (CRYPT_BLOCKS + SKIP_BLOCKS) as usize;
/// The system of <https://www.w3.org/TR/eme-initdata-cenc/>: any key system may answer for the key ids it lists.
const COMMON_SYSTEM: [u8; 16] = *b"\x10\x77\xef\xec\xc0\xb2\x4d\x02\xac\xe3\x3c\x1e\x52\xe2\xfb\x4b";
/// `senc`: each sample has a list of subsamples.
const USE_SUBSAMPLES: u32 = 2;
/// `saiz` says the size of a sample's list on one byte: 2, and 6 for each subsample.
const SUBSAMPLES_MAX: usize = (u8::MAX as usize - 2) / 6;

/// Seals one track: made from its init segment, and then the same for each of its segments.
pub struct Cbcs {
    key: EncryptingKey,
    key_id: KeyId,
    iv: Iv,
    /// Whole `pssh` boxes.
    system_headers: Vec<Vec<u8>>,
    samples: Samples,
}

/// Where a `trun` says its data offset: behind the box's header, version and flags, and the count of samples.
const TRUN_DATA_OFFSET: usize = 16;

/// What is sealed of a sample.
enum Samples {
    /// Slices of H.264 behind their headers, in the pattern.
    Avc { config: AvcConfig, headers: SliceHeaders },
    /// Every whole block: sound of whichever codec.
    Whole,
}

/// Bytes that stay clear, and those behind them that the pattern runs over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Subsample {
    clear: u16,
    protected: u32,
}

impl Cbcs {
    /// `init` is the track's clear init segment. A codec that this does not know how to seal is `Unsupported`
    /// (`CBCS_CODEC_UNSUPPORTED`).
    pub fn new(init: &[u8], key_id: KeyId, protection: &Protection) -> Result<Cbcs> {
        let entry = sample_entry(init)?;
        let mut payload = entry.payload;
        let samples = match &entry.kind {
            b"avc1" => {
                payload.take(VISUAL_ENTRY_BYTES)?;
                let config = AvcConfig::from_record(payload.path(&[b"avcC"])?.rest())?;
                Samples::Avc { headers: SliceHeaders::new(&config)?, config }
            }
            b"mp4a" | b"ac-3" | b"ec-3" => Samples::Whole,
            other => {
                let message = format!("A track of {} cannot be sealed with cbcs; choose aes128.", text(*other));
                return Err(Error::new(ErrorKind::Unsupported, "CBCS_CODEC_UNSUPPORTED", message));
            }
        };
        let key = UnboundCipherKey::new(&AES_128, protection.key.expose()).and_then(EncryptingKey::cbc);
        Ok(Cbcs { key: key.map_err(fault)?, key_id, iv: protection.iv, system_headers: Vec::new(), samples })
    }

    /// With a `pssh` box of each DRM system in the init segment, behind the common one.
    pub fn with_system_headers(self, system_headers: Vec<Vec<u8>>) -> Cbcs {
        Cbcs { system_headers, ..self }
    }

    /// The init segment, which says how the track is sealed and is itself clear.
    pub fn seal_init(&self, init: &[u8]) -> Result<Vec<u8>> {
        let path = boxes_at(init, &SAMPLE_TABLE)?;
        let entry = sample_entry(init)?;
        let (sealed_kind, pattern): (&FourCc, u8) = match self.samples {
            Samples::Avc { .. } => (b"encv", CRYPT_BLOCKS << 4 | SKIP_BLOCKS),
            Samples::Whole => (b"enca", 0),
        };
        let mut sinf = Writer::new();
        sinf.nest(b"sinf", |sinf| {
            sinf.nest(b"frma", |frma| frma.raw(&entry.kind));
            sinf.full(b"schm", 0, 0, |schm| {
                schm.raw(b"cbcs");
                schm.u32(0x0001_0000);
            });
            sinf.nest(b"schi", |schi| {
                schi.full(b"tenc", 1, 0, |tenc| {
                    tenc.u8(0);
                    tenc.u8(pattern);
                    tenc.u8(1); // default_isProtected
                    tenc.u8(0); // default_Per_Sample_IV_Size: the IV is the constant one
                    tenc.raw(&self.key_id.to_bytes());
                    tenc.u8(BLOCK as u8);
                    tenc.raw(self.iv.expose());
                });
            });
        });
        let mut pssh = Writer::new();
        pssh.full(b"pssh", 1, 0, |pssh| {
            pssh.raw(&COMMON_SYSTEM);
            pssh.u32(1);
            pssh.raw(&self.key_id.to_bytes());
            pssh.u32(0);
        });
        for header in &self.system_headers {
            pssh.raw(header);
        }
        let (sinf, pssh) = (sinf.into_bytes(), pssh.into_bytes());
        let moov = path[0];
        let (entry_end, moov_end) = (end_of(&entry), end_of(&moov));
        let mut sealed = [&init[..entry_end], &sinf, &init[entry_end..moov_end], &pssh, &init[moov_end..]].concat();
        sealed[entry.offset as usize + 4..][..4].copy_from_slice(sealed_kind);
        for parent in path.iter().chain([&entry]) {
            grow(&mut sealed, parent, sinf.len())?;
        }
        grow(&mut sealed, &moov, pssh.len())?;
        Ok(sealed)
    }

    /// A segment (`moof` and `mdat`) with its samples sealed.
    pub fn seal_segment(&self, segment: &[u8]) -> Result<Vec<u8>> {
        let path = boxes_at(segment, &[b"moof", b"traf", b"trun"])?;
        let (moof, traf, trun) = (path[0], path[1], path[2]);
        let fragment = Fragment::read(moof.payload)?;
        let mut payload = trun.payload;
        payload.take(8)?;
        let data_offset = payload.u32()? as usize;
        let data_at = moof.offset as usize + data_offset;
        let sizes = || fragment.samples.iter().map(|sample| sample.bytes as usize);
        if sizes().sum::<usize>() > segment.len().saturating_sub(data_at) {
            return Err(malformed("A segment that ends before its samples."));
        }

        let mut lists = Vec::new();
        if let Samples::Avc { config, headers } = &self.samples {
            let mut at = data_at;
            for bytes in sizes() {
                lists.push(subsamples(&segment[at..at + bytes], config, headers)?);
                at += bytes;
            }
        }
        let traf_end = end_of(&traf);
        let boxes =
            if lists.is_empty() { Vec::new() } else { sample_encryption(&lists, traf_end - moof.offset as usize) };
        let mut sealed = [&segment[..traf_end], &boxes, &segment[traf_end..]].concat();
        grow(&mut sealed, &moof, boxes.len())?;
        grow(&mut sealed, &traf, boxes.len())?;
        let moved = (data_offset + boxes.len()) as u32;
        sealed[trun.offset as usize + TRUN_DATA_OFFSET..][..4].copy_from_slice(&moved.to_be_bytes());

        let (mut at, mut scratch) = (data_at + boxes.len(), Vec::new());
        for (place, bytes) in sizes().enumerate() {
            let sample = &mut sealed[at..at + bytes];
            match lists.get(place) {
                Some(list) => self.seal_ranges(sample, list, &mut scratch)?,
                None => self.encrypt(&mut sample[..bytes / BLOCK * BLOCK])?,
            }
            at += bytes;
        }
        Ok(sealed)
    }

    /// Gathers the blocks of each range that the pattern seals, so that one call encrypts them, and puts them back.
    fn seal_ranges(&self, sample: &mut [u8], list: &[Subsample], scratch: &mut Vec<u8>) -> Result<()> {
        let mut at = 0;
        for subsample in list {
            at += usize::from(subsample.clear);
            let range = &mut sample[at..at + subsample.protected as usize];
            at += range.len();
            scratch.clear();
            scratch.extend(range.chunks(STRIDE).filter(|chunk| chunk.len() >= BLOCK).flat_map(|chunk| &chunk[..BLOCK]));
            self.encrypt(scratch)?;
            for (chunk, block) in range.chunks_mut(STRIDE).zip(scratch.chunks_exact(BLOCK)) {
                chunk[..BLOCK].copy_from_slice(block);
            }
        }
        Ok(())
    }

    fn encrypt(&self, blocks: &mut [u8]) -> Result<()> {
        if blocks.is_empty() {
            return Ok(());
        }
        let context = EncryptionContext::Iv128(FixedLength::from(self.iv.expose()));
        self.key.less_safe_encrypt(blocks, context).map(drop).map_err(fault)
    }
}

/// What of a picture is sealed. A picture of more slices than can be listed is sealed from the last one that can to its
/// end, headers and all: a client that decrypts before it parses still plays it, and nothing of it is readable.
fn subsamples(sample: &[u8], config: &AvcConfig, headers: &SliceHeaders) -> Result<Vec<Subsample>> {
    let mut list = Vec::new();
    let (mut at, mut clear) = (0, 0);
    for unit in config.units(sample) {
        let unit_at = at + usize::from(config.nal_length_bytes());
        let header = headers.clear_bytes(unit)?.filter(|header| unit.len() - header >= BLOCK);
        if let Some(header) = header {
            clear += unit_at - at + header;
            let is_last = list.len() + clear / usize::from(u16::MAX) + 1 >= SUBSAMPLES_MAX;
            let end = if is_last { sample.len() } else { unit_at + unit.len() };
            push(&mut list, clear, end - unit_at - header);
            clear = 0;
            at = end;
            if is_last {
                break;
            }
        } else {
            clear += unit_at - at + unit.len();
            at = unit_at + unit.len();
        }
    }
    clear += sample.len() - at;
    if clear > 0 {
        push(&mut list, clear, 0);
    }
    if list.len() > SUBSAMPLES_MAX {
        return Err(malformed("A picture with more bytes between its slices than can be listed."));
    }
    Ok(list)
}

/// A range of which the clear part may be longer than one subsample can say.
fn push(list: &mut Vec<Subsample>, mut clear: usize, protected: usize) {
    while clear > usize::from(u16::MAX) {
        list.push(Subsample { clear: u16::MAX, protected: 0 });
        clear -= usize::from(u16::MAX);
    }
    list.push(Subsample { clear: clear as u16, protected: protected as u32 });
}

/// `senc`, and `saiz` and `saio` that point to its lists. `at` is where they are put, from the `moof`'s first byte on.
fn sample_encryption(lists: &[Vec<Subsample>], at: usize) -> Vec<u8> {
    let mut writer = Writer::new();
    let mut lists_at = 0;
    writer.full(b"senc", 0, USE_SUBSAMPLES, |senc| {
        senc.u32(lists.len() as u32);
        lists_at = senc.len();
        for list in lists {
            senc.u16(list.len() as u16);
            for subsample in list {
                senc.u16(subsample.clear);
                senc.u32(subsample.protected);
            }
        }
    });
    writer.full(b"saiz", 0, 0, |saiz| {
        saiz.u8(0);
        saiz.u32(lists.len() as u32);
        for list in lists {
            saiz.u8((2 + 6 * list.len()) as u8);
        }
    });
    writer.full(b"saio", 0, 0, |saio| {
        saio.u32(1);
        saio.u32((at + lists_at) as u32);
    });
    writer.into_bytes()
}

const SAMPLE_TABLE: [&FourCc; 6] = [b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd"];

/// The sample entry of the one track in `init`.
fn sample_entry(init: &[u8]) -> Result<BoxAt<'_>> {
    let path = boxes_at(init, &SAMPLE_TABLE)?;
    let mut stsd = path[SAMPLE_TABLE.len() - 1].payload;
    stsd.take(8)?;
    stsd.next_box()?.ok_or_else(|| malformed("stsd without a sample entry."))
}

/// The boxes along a path of types, the first of each type inside the one before.
fn boxes_at<'a>(bytes: &'a [u8], kinds: &[&FourCc]) -> Result<Vec<BoxAt<'a>>> {
    let mut reader = Reader::new(bytes);
    let mut found = Vec::with_capacity(kinds.len());
    for kind in kinds {
        let next = reader.find_box(kind)?.ok_or_else(|| malformed(format!("No {} box.", text(**kind))))?;
        reader = next.payload;
        found.push(next);
    }
    Ok(found)
}

fn end_of(found: &BoxAt<'_>) -> usize {
    (found.payload.offset() as usize) + found.payload.len()
}

/// Adds to the size that a box says, which lies where it lay before anything behind it moved.
fn grow(bytes: &mut [u8], found: &BoxAt<'_>, by: usize) -> Result<()> {
    let field = &mut bytes[found.offset as usize..][..4];
    let size = field.iter().fold(0_usize, |size, &byte| size << 8 | usize::from(byte));
    let grown = u32::try_from(size + by).ok().filter(|_| size >= 8);
    let grown = grown.ok_or_else(|| malformed(format!("The {} box has no 32-bit size.", text(found.kind))))?;
    field.copy_from_slice(&grown.to_be_bytes());
    Ok(())
}

#[cfg(test)]
mod tests;
