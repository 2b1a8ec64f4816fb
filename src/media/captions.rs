//! Where captions lie in a coded picture: `cc_data` of ATSC A/53 Part 4, 6.2.3, in user data. In H.264 and HEVC that is
//! an SEI message of type 4 (ITU-T T.35), in MPEG-2 a `user_data` of the picture. Both stand before the picture's first
//! slice, and nothing is read beyond that.
//!
//! ```text
//! [b5 00 31 in an SEI message] "GA94" 03 │ flags:3 count:5 │ em_data │ count × (11111 valid:1 type:2 │ byte │ byte)
//! ```

use crate::media::cea608::{Field, Pair};

/// How a codec's pictures are made up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// NAL units behind length fields of this many bytes, or behind start codes where it is 0.
    H264 {
        length_bytes: u8,
    },
    Hevc {
        length_bytes: u8,
    },
    Mpeg2,
    /// No picture: a sample of a track of captions, as libav hands it out: triples of `cc_data` alone.
    Track,
}

/// Each pair of a field lasts for a picture of NTSC.
const PAIR_US: i64 = 33_367;
const SEI_T35: u32 = 4;
const ATSC: &[u8] = &[0xb5, 0x00, 0x31];
const CC_DATA: &[u8] = b"GA94\x03";
/// An SEI message with 31 triples has about a hundred bytes.
const SEI_BYTES_MAX: usize = 4_096;

/// The pairs of line 21 in this picture, in their order, and how many milliseconds after it each is; without those that
/// say nothing.
pub fn pairs(coding: Coding, picture: &[u8], mut take_after: impl FnMut(i64, Pair)) {
    let mut take = |pair| take_after(0, pair);
    match coding {
        Coding::Track => {
            let mut counts = [0; 2];
            each_pair(picture, |pair, says_something| {
                let count = &mut counts[usize::from(pair.field == Field::Second)];
                if says_something {
                    take_after(*count * PAIR_US / 1000, pair);
                }
                *count += 1;
            });
        }
        Coding::Mpeg2 => {
            let mut rest = picture;
            while let Some((code, after)) = next_start_code(rest) {
                match code {
                    // A slice.
                    0x01..=0xaf => return,
                    0xb2 => cc_data(after, &mut take),
                    _ => {}
                }
                rest = after;
            }
        }
        Coding::H264 { length_bytes: 0 } | Coding::Hevc { length_bytes: 0 } => {
            let mut rest = picture;
            while let Some((first, after)) = next_start_code(rest) {
                // The unit's end is looked for only where it matters.
                match unit_kind(coding, first) {
                    UnitKind::Slice => return,
                    UnitKind::Sei => {
                        let whole = &rest[rest.len() - after.len() - 1..];
                        let end = memchr::memmem::find(whole, &[0, 0, 1]).unwrap_or(whole.len());
                        sei(coding, &whole[..end], &mut take);
                    }
                    UnitKind::Other => {}
                }
                rest = after;
            }
        }
        Coding::H264 { length_bytes } | Coding::Hevc { length_bytes } => {
            let mut rest = picture;
            while let Some((length, after)) = rest.split_at_checked(usize::from(length_bytes)) {
                let length = length.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
                let Some((unit, after)) = after.split_at_checked(length) else { return };
                match unit.first().map_or(UnitKind::Other, |first| unit_kind(coding, *first)) {
                    UnitKind::Slice => return,
                    UnitKind::Sei => sei(coding, unit, &mut take),
                    UnitKind::Other => {}
                }
                rest = after;
            }
        }
    }
}

/// Whether the first slice begins in this beginning of a picture, whose units have length fields.
pub fn reaches_slice(coding: Coding, beginning: &[u8]) -> bool {
    let (Coding::H264 { length_bytes } | Coding::Hevc { length_bytes }) = coding else { return false };
    let mut rest = beginning;
    while let Some((length, after)) = rest.split_at_checked(usize::from(length_bytes)) {
        let Some(first) = after.first() else { return false };
        if matches!(unit_kind(coding, *first), UnitKind::Slice) {
            return true;
        }
        let length = length.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
        let Some(after) = after.get(length..) else { return false };
        rest = after;
    }
    false
}

/// Whether the units of a picture of `bytes` bytes can be as long as they say, as far as its beginning shows them. One whose
/// units have no length fields is not looked into.
pub fn has_whole_units(coding: Coding, beginning: &[u8], bytes: u32) -> bool {
    let (Coding::H264 { length_bytes } | Coding::Hevc { length_bytes }) = coding else { return true };
    let (field, bytes) = (usize::from(length_bytes), bytes as usize);
    if field == 0 {
        return true;
    }
    let mut at = 0;
    while at < bytes {
        let Some(head) = beginning.get(at..at + field + 1) else { return at + field < bytes };
        let length = head[..field].iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
        // The first bit of every unit is zero.
        if length == 0 || length > bytes - at - field || head[field] & 0x80 != 0 {
            return false;
        }
        at += field + length;
    }
    bytes > 0
}

/// The byte behind the next start code, and what follows that byte.
fn next_start_code(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let at = memchr::memmem::find(bytes, &[0, 0, 1])?;
    bytes[at + 3..].split_first().map(|(first, after)| (*first, after))
}

enum UnitKind {
    Slice,
    Sei,
    Other,
}

fn unit_kind(coding: Coding, first: u8) -> UnitKind {
    match (coding, first & 0x1f, first >> 1 & 0x3f) {
        (Coding::Hevc { .. }, _, 39) | (Coding::H264 { .. }, 6, _) => UnitKind::Sei,
        (Coding::Hevc { .. }, _, 0..=31) | (Coding::H264 { .. }, 1..=5, _) => UnitKind::Slice,
        _ => UnitKind::Other,
    }
}

/// The messages of a supplemental enhancement information unit (ITU-T H.264 and H.265, 7.3.2.3).
fn sei(coding: Coding, unit: &[u8], take: &mut impl FnMut(Pair)) {
    let head_bytes = if matches!(coding, Coding::Hevc { .. }) { 2 } else { 1 };
    let Some(escaped) = unit.get(head_bytes..) else { return };
    let mut bytes = Vec::with_capacity(escaped.len().min(SEI_BYTES_MAX));
    let mut zeros = 0;
    for &byte in escaped.iter().take(SEI_BYTES_MAX) {
        let is_emulation_prevention = zeros >= 2 && byte == 3;
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        if !is_emulation_prevention {
            bytes.push(byte);
        }
    }
    let mut rest = bytes.as_slice();
    // What is left at the end is the stop bit.
    while rest.len() > 2 {
        let (Some(kind), Some(size)) = (number(&mut rest), number(&mut rest)) else { return };
        let Some((message, after)) = rest.split_at_checked(size as usize) else { return };
        if kind == SEI_T35
            && let Some(user_data) = message.strip_prefix(ATSC)
        {
            cc_data(user_data, take);
        }
        rest = after;
    }
}

/// A number in bytes of 255 and one that is less.
fn number(rest: &mut &[u8]) -> Option<u32> {
    let mut number = 0;
    loop {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        number += u32::from(*byte);
        if *byte != 0xff {
            return Some(number);
        }
    }
}

fn cc_data(user_data: &[u8], take: &mut impl FnMut(Pair)) {
    let Some([flags, _, triples @ ..]) = user_data.strip_prefix(CC_DATA) else { return };
    if flags & 0x40 == 0 {
        return;
    }
    let triples = &triples[..triples.len().min(usize::from(flags & 0x1f) * 3)];
    each_pair(triples, |pair, says_something| {
        if says_something {
            take(pair);
        }
    });
}

/// Each valid pair of line 21 among these, and whether it says something.
fn each_pair(triples: &[u8], mut take: impl FnMut(Pair, bool)) {
    for triple in triples.chunks_exact(3) {
        let field = match triple[0] & 0x07 {
            0x04 => Field::First,
            0x05 => Field::Second,
            // CEA-708, or not valid.
            _ => continue,
        };
        let pair = Pair { field, bytes: [triple[1], triple[2]] };
        take(pair, pair.says_something());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beginning_is_enough_once_a_slice_is_seen() {
        let coding = Coding::H264 { length_bytes: 4 };
        let picture = [0, 0, 0, 2, 0x09, 0xf0, 0, 0, 0, 3, 0x06, 1, 2, 0, 0, 0, 9, 0x65, 1];
        for cut in 0..picture.len() {
            assert_eq!(reaches_slice(coding, &picture[..cut]), cut >= 18, "{cut}");
        }
        assert!(!reaches_slice(Coding::Mpeg2, &picture));
        assert!(!reaches_slice(coding, &[0xff; 8]), "no unit is so long");
    }

    #[test]
    fn units_that_are_longer_than_their_picture_are_seen_from_its_beginning() {
        let coding = Coding::H264 { length_bytes: 4 };
        let picture = [0, 0, 0, 2, 0x09, 0xf0, 0, 0, 0, 3, 0x06, 1, 2, 0, 0, 0, 9, 0x65, 1];
        // The last unit has nine bytes, of which the beginning shows two.
        for (bytes, is_whole) in [(25, false), (26, true), (27, false), (30, false), (31, true)] {
            assert_eq!(has_whole_units(coding, &picture, bytes), is_whole, "{bytes}");
        }
        assert!(!has_whole_units(coding, &[0, 0, 0, 0, 0x65, 1, 1, 1], 8), "an empty unit");
        assert!(!has_whole_units(coding, &[0, 0, 0, 4, 0xe5, 1, 1, 1], 8), "the first bit is zero");
        assert!(!has_whole_units(coding, &[0, 0, 0, 1, 0x65, 0, 0, 1], 8), "half a length at the end");
        assert!(!has_whole_units(coding, &[], 0));
        assert!(has_whole_units(Coding::Mpeg2, &[0xff; 8], 8));
    }

    /// Two pairs of the first field, of which one is padding, one of the second, one that is not valid, one of CEA-708.
    const USER_DATA: &[u8] =
        b"GA94\x03\x45\xff\xfc\x94\x20\xfc\x80\x80\xfd\x15\x2c\xf8\x94\x94\xfe\x94\x94\xff\x00\x00\x00";
    const EXPECTED: [Pair; 2] =
        [Pair { field: Field::First, bytes: [0x94, 0x20] }, Pair { field: Field::Second, bytes: [0x15, 0x2c] }];

    fn found(coding: Coding, picture: &[u8]) -> Vec<Pair> {
        let mut found = Vec::new();
        pairs(coding, picture, |after_ms, pair| {
            assert_eq!(after_ms, 0, "all of a picture's pairs are as old as it");
            found.push(pair);
        });
        found
    }

    /// Another message, and then that of the captions, with a byte against emulation.
    fn sei_unit(head: &[u8]) -> Vec<u8> {
        let mut unit = head.to_vec();
        unit.extend([1, 2, 9, 9, 4, (ATSC.len() + USER_DATA.len()) as u8]);
        unit.extend(ATSC);
        unit.extend(&USER_DATA[..USER_DATA.len() - 1]);
        unit.extend([3, 0, 0x80]);
        unit
    }

    #[test]
    fn captions_are_found_in_the_user_data_of_every_coding_and_not_behind_a_slice() {
        let slice = [[0, 0, 1, 0x65].as_slice(), &[7; 20]].concat();
        let sei = [[0, 0, 0, 1].as_slice(), &sei_unit(&[6])].concat();
        let delimiter: &[u8] = &[0, 0, 1, 9, 0xf0];
        assert_eq!(found(Coding::H264 { length_bytes: 0 }, &[delimiter, &sei, &slice].concat()), EXPECTED);
        assert_eq!(found(Coding::H264 { length_bytes: 0 }, &[delimiter, &slice, &sei].concat()), []);

        let with_length = |unit: &[u8]| [&(unit.len() as u32).to_be_bytes(), unit].concat();
        let (sei, slice) = (with_length(&sei_unit(&[6])), with_length(&[0x41, 1, 2, 3]));
        assert_eq!(found(Coding::H264 { length_bytes: 4 }, &[sei.clone(), slice.clone()].concat()), EXPECTED);
        assert_eq!(found(Coding::H264 { length_bytes: 4 }, &[slice, sei].concat()), []);

        let sei = with_length(&sei_unit(&[39 << 1, 1]));
        let slice = with_length(&[19 << 1, 1, 2, 3]);
        assert_eq!(found(Coding::Hevc { length_bytes: 4 }, &[sei.clone(), slice.clone()].concat()), EXPECTED);
        assert_eq!(found(Coding::Hevc { length_bytes: 4 }, &[slice, sei].concat()), []);

        let picture: &[u8] = &[0, 0, 1, 0, 1, 2, 0, 0, 1, 0xb5, 8];
        let user_data = [[0, 0, 1, 0xb2].as_slice(), USER_DATA].concat();
        let slice: &[u8] = &[0, 0, 1, 1, 5, 5];
        assert_eq!(found(Coding::Mpeg2, &[picture, &user_data, slice].concat()), EXPECTED);
        assert_eq!(found(Coding::Mpeg2, &[picture, slice, &user_data].concat()), []);
    }

    #[test]
    fn a_sample_of_a_track_is_as_long_as_its_pairs_of_one_field() {
        let sample = b"\xfc\x94\x20\xfd\x15\x2c\xfc\x80\x80\xfc\x94\x2f";
        let mut found = Vec::new();
        pairs(Coding::Track, sample, |after_ms, pair| found.push((after_ms, pair)));
        let last = Pair { field: Field::First, bytes: [0x94, 0x2f] };
        assert_eq!(found, [(0, EXPECTED[0]), (0, EXPECTED[1]), (66, last)]);
    }

    #[test]
    fn other_user_data_says_nothing() {
        let user_data = |bytes: &[u8]| [[0, 0, 1, 0xb2].as_slice(), bytes].concat();
        for bytes in [
            // Bar data, another owner, and captions that are not to be processed.
            &b"GA94\x06\x41\xff\xfc\x94\x20"[..],
            b"DTG1\x03\x41\xff\xfc\x94\x20",
            b"GA94\x03\x01\xff\xfc\x94\x20",
            b"GA94\x03",
        ] {
            assert_eq!(found(Coding::Mpeg2, &user_data(bytes)), [], "{bytes:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_in_a_picture_it_is_read(
            picture in proptest::collection::vec(proptest::sample::select(vec![0u8, 1, 3, 4, 6, 0x25, 0x4e, 0xb2, 0xff]), 0..80)
        ) {
            for coding in [Coding::H264 { length_bytes: 0 }, Coding::H264 { length_bytes: 2 }, Coding::Hevc { length_bytes: 0 },
                Coding::Hevc { length_bytes: 4 }, Coding::Mpeg2, Coding::Track] {
                pairs(coding, &picture, |_, _| ());
            }
        }
    }
}
