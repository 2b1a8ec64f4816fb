use aws_lc_rs::cipher::{DecryptingKey, DecryptionContext};
use proptest::prelude::*;

use super::*;
use crate::base::clock::UtcMs;
use crate::media::cmaf::{InitMedia, SampleTiming, write_fragment_head, write_init};
use crate::media::protect::ContentKey;
use crate::media::time::Timescale;

/// x264's parameter sets for 320×180: High profile, CABAC, no fields.
const SPS: &[u8] = b"\x67\x64\x00\x0c\xac\xb2\x02\x83\x3f\x3e\x02\x20\x00\x00\x03\x00\x20\x00\x00\x06\x01\xe2\x85\x49";
const PPS: &[u8] = b"\x68\xeb\x83\xcb\x22\xc0";
/// The header of an IDR slice, which ends in the fifth byte.
const SLICE_HEADER: &[u8] = b"\x65\x88\x84\x19\xff";

fn protection() -> Protection {
    Protection { key: ContentKey::from_bytes([7; 16]), iv: Iv::from_bytes([9; 16]) }
}

fn config() -> AvcConfig {
    AvcConfig::from_parameter_sets([SPS, PPS].into_iter()).unwrap()
}

fn video() -> (Vec<u8>, Cbcs) {
    let media = InitMedia::Avc { config: config(), width: 320, height: 180, sample_aspect: (1, 1), colour: None };
    let init = write_init(&media, Timescale::new(24_000).unwrap(), None);
    let cbcs = Cbcs::new(&init, KeyId::new(UtcMs(1)), &protection()).unwrap();
    (init, cbcs)
}

fn audio() -> (Vec<u8>, Cbcs) {
    let media = InitMedia::Aac { asc: vec![0x11, 0x90], channels: 2, sample_rate: 48_000, bits_per_s: 128_000 };
    let init = write_init(&media, Timescale::new(48_000).unwrap(), None);
    let cbcs = Cbcs::new(&init, KeyId::new(UtcMs(1)), &protection()).unwrap();
    (init, cbcs)
}

/// A slice with `payload` bytes behind its header.
fn slice(payload: usize) -> Vec<u8> {
    [SLICE_HEADER, &(0..payload).map(|n| n as u8 | 1).collect::<Vec<u8>>()].concat()
}

/// A sample of NAL units behind lengths of four bytes.
fn sample(units: &[&[u8]]) -> Vec<u8> {
    units.iter().flat_map(|unit| [&(unit.len() as u32).to_be_bytes(), *unit].concat()).collect()
}

fn segment(samples: &[Vec<u8>]) -> Vec<u8> {
    let timings: Vec<SampleTiming> = samples
        .iter()
        .enumerate()
        .map(|(n, sample)| SampleTiming { pts: n as i64 * 1000, bytes: sample.len() as u32, is_sync: n == 0 })
        .collect();
    let mut segment = write_fragment_head(1, &timings, samples.len() as i64 * 1000).unwrap();
    segment.extend(samples.concat());
    segment
}

/// The blocks, opened; the chain begins with the IV.
fn open(blocks: &[u8]) -> Vec<u8> {
    let key = UnboundCipherKey::new(&AES_128, &[7; 16]).unwrap();
    let mut plain = blocks.to_vec();
    DecryptingKey::cbc(key).unwrap().decrypt(&mut plain, DecryptionContext::Iv128(FixedLength::from([9; 16]))).unwrap();
    plain
}

fn list(sample: &[u8]) -> Vec<(u16, u32)> {
    let headers = SliceHeaders::new(&config()).unwrap();
    let list = subsamples(sample, &config(), &headers).unwrap();
    assert_eq!(list.iter().map(|one| usize::from(one.clear) + one.protected as usize).sum::<usize>(), sample.len());
    list.iter().map(|one| (one.clear, one.protected)).collect()
}

#[test]
fn the_init_segment_says_scheme_key_and_iv_and_its_sizes_add_up() {
    for ((init, cbcs), kind, original, pattern) in [(video(), b"encv", b"avc1", 0x19), (audio(), b"enca", b"mp4a", 0)] {
        let sealed = cbcs.seal_init(&init).unwrap();
        let entry = sample_entry(&sealed).unwrap();
        assert_eq!(&entry.kind, kind);
        let mut payload = entry.payload;
        payload.take(if kind == b"encv" { 78 } else { 28 }).unwrap();
        let sinf = payload.path(&[b"sinf"]).unwrap();
        assert_eq!(sinf.path(&[b"frma"]).unwrap().rest(), original);
        assert_eq!(sinf.path(&[b"schm"]).unwrap().rest(), b"\0\0\0\0cbcs\0\x01\0\0");
        let tenc = [&[1, 0, 0, 0, 0, pattern, 1, 0], &cbcs.key_id.to_bytes()[..], &[16], &[9; 16]].concat();
        assert_eq!(sinf.path(&[b"schi", b"tenc"]).unwrap().rest(), tenc);
        let pssh = Reader::new(&sealed).path(&[b"moov", b"pssh"]).unwrap().rest();
        assert_eq!(&pssh[24..40], cbcs.key_id.to_bytes());
        let moov = boxes_at(&sealed, &[b"moov"]).unwrap()[0];
        assert_eq!(end_of(&moov), sealed.len());
    }
}

#[test]
fn one_block_in_ten_behind_a_slice_header_is_sealed_and_nothing_else() {
    let (_, cbcs) = video();
    let sei: &[u8] = b"\x06\x05\x04abcd\x80";
    // 144 bytes behind the third stride's block: 2 × 160 + 16 + 128, and a rest that is no block.
    let samples = [sample(&[SPS, PPS, sei, &slice(471)]), sample(&[&slice(15), sei])];
    let clear = segment(&samples);
    let sealed = cbcs.seal_segment(&clear).unwrap();
    assert_eq!(list(&samples[0]), [(4 + 24 + 4 + 6 + 4 + 8 + 4 + 5, 471)]);
    assert_eq!(list(&samples[1]), [(samples[1].len() as u16, 0)], "less than a block has nothing to seal");

    let data = sealed.len() - samples.concat().len();
    let begin = data + 59;
    for (at, (was, is)) in samples.concat().iter().zip(&sealed[data..]).enumerate() {
        let is_sealed = at.checked_sub(59).is_some_and(|at| at < 471 && at % 160 < 16);
        assert_eq!(was != is, is_sealed, "byte {at}");
    }
    let blocks: Vec<u8> = [0, 160, 320].iter().flat_map(|at| sealed[begin + at..begin + at + 16].to_vec()).collect();
    let plain: Vec<u8> = [0, 160, 320].iter().flat_map(|at| slice(471)[5 + at..5 + at + 16].to_vec()).collect();
    assert_eq!(open(&blocks), plain, "the chain runs on over the blocks that are sealed");
}

#[test]
fn the_lists_of_subsamples_are_where_saio_points_and_as_long_as_saiz_says() {
    let (_, cbcs) = video();
    let samples = [sample(&[&slice(100), &slice(200)]), sample(&[&slice(70_000)])];
    let sealed = cbcs.seal_segment(&segment(&samples)).unwrap();
    let traf = Reader::new(&sealed).path(&[b"moof", b"traf"]).unwrap();
    let saiz = traf.path(&[b"saiz"]).unwrap().rest();
    assert_eq!(saiz, [0, 0, 0, 0, 0, 0, 0, 0, 2, 14, 8]);
    let saio = traf.path(&[b"saio"]).unwrap().rest();
    let at = u32::from_be_bytes(saio[8..].try_into().unwrap()) as usize;
    let lists = [&[0, 2, 0, 9, 0, 0, 0, 100, 0, 9, 0, 0, 0, 200][..], &[0, 1, 0, 9, 0, 1, 0x11, 0x70]].concat();
    assert_eq!(&sealed[at..at + lists.len()], lists);
    let fragment = Fragment::read(Reader::new(&sealed).path(&[b"moof"]).unwrap()).unwrap();
    let mut trun = traf.path(&[b"trun"]).unwrap();
    trun.take(8).unwrap();
    assert_eq!(trun.u32().unwrap() as u64, sealed.len() as u64 - fragment.data_bytes());
}

#[test]
fn every_whole_block_of_a_sound_sample_is_sealed() {
    let (_, cbcs) = audio();
    let samples = [vec![1; 37], vec![2; 15], vec![3; 32]];
    let clear = segment(&samples);
    let sealed = cbcs.seal_segment(&clear).unwrap();
    assert_eq!(sealed.len(), clear.len(), "nothing has to be said of a whole sample");
    let data = &sealed[sealed.len() - 84..];
    assert_eq!(open(&data[..32]), [1; 32]);
    assert_eq!(&data[32..52], [&[1; 5][..], &[2; 15]].concat());
    assert_eq!(open(&data[52..]), [3; 32], "the chain begins anew with each sample");
}

#[test]
fn what_one_subsample_cannot_say_takes_several_and_many_slices_share_the_last() {
    let sei = [vec![6; 1], vec![0; 70_000]].concat();
    assert_eq!(list(&sample(&[&sei, &slice(16)])), [(65_535, 0), (4_479, 16)]);
    assert_eq!(list(&sample(&[&slice(16), &sei])), [(9, 16), (65_535, 0), (4_470, 0)]);
    let slices = vec![slice(50); 60];
    let picture = sample(&slices.iter().map(Vec::as_slice).collect::<Vec<_>>());
    let many = list(&picture);
    assert_eq!(many.len(), 42);
    assert!(many.iter().all(|&(clear, protected)| clear == 9 && protected >= 50));
}

#[test]
fn a_codec_that_cannot_be_sealed_is_said() {
    let (mut init, _) = video();
    let entry = sample_entry(&init).unwrap().offset as usize;
    init[entry + 4..entry + 8].copy_from_slice(b"vp09");
    let error = Cbcs::new(&init, KeyId::new(UtcMs(1)), &protection()).err().unwrap();
    assert_eq!(error.code(), "CBCS_CODEC_UNSUPPORTED");
}

#[test]
fn a_segment_that_is_cut_short_is_refused() {
    let (_, cbcs) = video();
    let clear = segment(&[sample(&[&slice(471)])]);
    for len in 0..clear.len() {
        assert!(cbcs.seal_segment(&clear[..len]).is_err(), "{len}");
    }
}

proptest! {
    #[test]
    fn arbitrary_pictures_never_panic_and_every_byte_is_counted(bytes: Vec<u8>, kind in 0_u8..32) {
        let (_, cbcs) = video();
        let unit = [&[kind | 0x60][..], &bytes].concat();
        let picture = [sample(&[&unit]), bytes].concat();
        if let Ok(sealed) = cbcs.seal_segment(&segment(std::slice::from_ref(&picture))) {
            prop_assert!(sealed.len() > picture.len());
            list(&picture);
        }
    }

    #[test]
    fn arbitrary_boxes_never_panic(bytes: Vec<u8>, place in 0_usize..2000, value: u8) {
        let (init, cbcs) = video();
        let _ = cbcs.seal_segment(&bytes);
        let _ = Cbcs::new(&bytes, KeyId::new(UtcMs(1)), &protection());
        for whole in [init, segment(&[sample(&[&slice(200)]), sample(&[&slice(20)])])] {
            let mut damaged = whole;
            let place = place % damaged.len();
            damaged[place] = value;
            let _ = cbcs.seal_segment(&damaged);
            let _ = cbcs.seal_init(&damaged);
            let _ = Cbcs::new(&damaged, KeyId::new(UtcMs(1)), &protection());
        }
    }
}
