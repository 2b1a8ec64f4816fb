//! Common Encryption against FFmpeg: it says where slice headers end, and it opens what was sealed.

use std::fs;
use std::path::Path;
use std::process::Command;

use marquee::base::clock::UtcMs;
use marquee::base::id::KeyId;
use marquee::media::avc::{AvcConfig, annex_b_units};
use marquee::media::avc_slice::SliceHeaders;
use marquee::media::cbcs::Cbcs;
use marquee::media::cmaf::sync_sample_segment;
use marquee::media::protect::{ContentKey, Iv, Protection};

use crate::film;

const KEY: &str = "000102030405060708090a0b0c0d0e0f";

fn protection() -> Protection {
    let key = std::array::from_fn(|n| n as u8);
    Protection { key: ContentKey::from_bytes(key), iv: Iv::from_bytes([0xa5; 16]) }
}

fn ffmpeg(args: &[&str]) -> std::process::Output {
    Command::new("ffmpeg").args(["-nostdin"]).args(args).output().unwrap()
}

/// The stored bytes that FFmpeg's reading of each slice header reaches into.
fn header_bytes_by_ffmpeg(stream: &str) -> Vec<usize> {
    let traced = ffmpeg(&["-v", "trace", "-i", stream, "-c", "copy", "-bsf:v", "trace_headers", "-f", "null", "-"]);
    let text = String::from_utf8_lossy(&traced.stderr).into_owned();
    let (mut ends, mut in_slice) = (Vec::new(), false);
    for line in text.lines().filter(|line| line.starts_with("[trace_headers")) {
        let line = line.split_once("] ").unwrap().1;
        // `30          slice_qp_delta          00100 = 2`
        let fields: Vec<&str> = line.split_whitespace().collect();
        let at = fields.first().and_then(|first| first.parse::<usize>().ok());
        match at {
            Some(at) if in_slice && fields.len() > 3 => *ends.last_mut().unwrap() = at + fields[2].len(),
            Some(_) => {}
            None => {
                in_slice = line == "Slice Header";
                if in_slice {
                    ends.push(0);
                }
            }
        }
    }
    ends.into_iter().map(|bits: usize| bits.div_ceil(8)).collect()
}

#[test]
fn slice_headers_end_where_ffmpeg_says() {
    let folder = tempfile::tempdir().unwrap();
    for options in [
        "slices=3:weightp=2:bframes=3:b-pyramid=normal",
        "cabac=0:ref=5:bframes=2:weightb=1:slices=2",
        "interlaced=1:slices=2:ref=4",
        "fake-interlaced=1:no-deblock=1",
        "bframes=4:b-adapt=2:direct=auto:open-gop=1:keyint=12",
        "cqm=jvt:8x8dct=1:bframes=0:weightp=1",
    ] {
        let stream = folder.path().join("stream.h264");
        let stream = stream.to_str().unwrap();
        // A fade makes weights, and a long stream numbers that wrap.
        let picture = "testsrc2=size=320x192:rate=24:duration=2,fade=in:0:24";
        let made = ffmpeg(&[
            "-v",
            "error",
            "-y",
            "-f",
            "lavfi",
            "-i",
            picture,
            "-c:v",
            "libx264",
            "-x264-params",
            options,
            stream,
        ]);
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let expected = header_bytes_by_ffmpeg(stream);
        assert!(expected.len() >= 48, "{options}: {} slices", expected.len());

        let bytes = fs::read(stream).unwrap();
        let headers = SliceHeaders::new(&AvcConfig::from_extradata(&bytes).unwrap()).unwrap();
        let slices = annex_b_units(&bytes).filter_map(|unit| Some((unit, headers.clear_bytes(unit).unwrap()?)));
        let found: Vec<usize> = slices
            .map(|(unit, stored)| {
                let prevention = unit[..stored].windows(3).filter(|three| three == &[0, 0, 3]).count();
                stored - prevention
            })
            .collect();
        assert_eq!(found, expected, "{options}");
    }
}

/// The hash of each packet as FFmpeg reads it, and what it complains of. It reads from a pipe, as it does segments: where it
/// can seek among fragments without an index, FFmpeg 5.1 takes one fragment's subsamples for another's.
fn packets(file: &Path, key: Option<&str>) -> (Vec<String>, String) {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error"]).args(key.iter().flat_map(|key| ["-decryption_key", key]));
    command.args(["-i", "pipe:0", "-map", "0", "-c", "copy", "-f", "framehash", "-hash", "md5", "-"]);
    let output = command.stdin(fs::File::open(file).unwrap()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    // Of a sealed film the `pssh` follows as side data of the first packet.
    let packet = |line: &str| line.split(',').take(6).collect::<Vec<_>>().join(",");
    let hashes = text.lines().filter(|line| !line.starts_with('#')).map(packet).collect();
    (hashes, String::from_utf8_lossy(&output.stderr).into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn ffmpeg_opens_sealed_tracks_with_the_key_only() {
    let packaged = film::packaged().await;
    let folder = tempfile::tempdir().unwrap();
    for track in packaged.index.tracks.iter().filter(|track| !track.is_text()) {
        let clear = packaged.dir.join(track.file_name());
        let bytes = fs::read(&clear).unwrap();
        let init = &bytes[..track.init_bytes as usize];
        let cbcs = Cbcs::new(init, KeyId::new(UtcMs(1)), &protection()).unwrap();
        let mut sealed = cbcs.seal_init(init).unwrap();
        let mut pictures = sealed.clone();
        let mut pictures_clear = init.to_vec();
        for segment in &track.segments {
            let stored = &bytes[segment.offset as usize..][..segment.bytes as usize];
            sealed.extend(cbcs.seal_segment(stored).unwrap());
            if segment.sync_bytes > 0 {
                let picture = sync_sample_segment(&stored[..segment.sync_bytes as usize]).unwrap();
                pictures.extend(cbcs.seal_segment(&picture).unwrap());
                pictures_clear.extend(picture);
            }
        }
        let write = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            fs::write(&path, bytes).unwrap();
            path
        };
        let file = write("sealed.mp4", &sealed);
        let expected = packets(&clear, None);
        assert!(expected.0.len() > 500 && expected.1.is_empty());
        assert_eq!(packets(&file, Some(KEY)), expected, "{}", track.id);
        let differing = |key| {
            let found = packets(&file, key).0;
            found.iter().zip(&expected.0).filter(|(found, expected)| found != expected).count()
        };
        let count = expected.0.len();
        assert!(differing(None) > count * 9 / 10, "{}: sealed", track.id);
        assert!(differing(Some("00000000000000000000000000000000")) > count * 9 / 10, "{}: another key", track.id);
        if track.has_sync_bytes() {
            let file = write("pictures.mp4", &pictures);
            let expected = packets(&write("pictures-clear.mp4", &pictures_clear), None);
            assert_eq!(packets(&file, Some(KEY)), expected, "{}", track.id);
        }
    }
}
