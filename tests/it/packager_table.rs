//! Every file of the shared collection and what must become of it: a package that other readers decode whole and whose
//! times are its source's, or a refusal with its code, and nothing left behind.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use marquee::media::rendition::TrackMedia;
use marquee::packager::job::{Encoding, Packaged};

use crate::packager::{check, film, output, package, presented_us};

struct Row {
    file: &'static str,
    encoding: Encoding,
    expected: Expected,
}

enum Expected {
    Published {
        /// The ids of the tracks in their order; `=` stands before a copied one.
        tracks: &'static str,
        duration_ms: u64,
        /// One picture: how far the duration may be off.
        within_ms: u64,
        /// A part of each warning, in their order.
        warnings: &'static [&'static str],
    },
    Refused {
        code: &'static str,
    },
}

const fn published(file: &'static str, tracks: &'static str, duration_ms: u64, within_ms: u64) -> Row {
    warned(file, tracks, duration_ms, within_ms, &[])
}

const fn warned(
    file: &'static str,
    tracks: &'static str,
    duration_ms: u64,
    within_ms: u64,
    warnings: &'static [&'static str],
) -> Row {
    let expected = Expected::Published { tracks, duration_ms, within_ms, warnings };
    Row { file, encoding: Encoding::Ladder, expected }
}

/// Copied only, where the whole ladder would take minutes in a debug build; other tests encode these films.
const fn copied(file: &'static str, tracks: &'static str, duration_ms: u64, within_ms: u64) -> Row {
    Row { encoding: Encoding::CopyOnly, ..published(file, tracks, duration_ms, within_ms) }
}

const fn refused(file: &'static str, code: &'static str) -> Row {
    Row { file, encoding: Encoding::Ladder, expected: Expected::Refused { code } }
}

const HDR: &str = "HDR (PQ) and was brought down to SDR";

const TABLE: &[Row] = &[
    // The long ones first: two run at a time.
    warned("films/timer-5min-vp9-opus.webm", "v240 a-und-2", 300_000, 42, &["is VP9, not H.264"]),
    warned(
        "torture/exo-hdr10-video-with-sdr-container.mp4",
        "v1080 v720 v480 v360 =a-en-2",
        1_018,
        36,
        &[HDR, "is HEVC, not H.264"],
    ),
    warned(
        "torture/exo-sample_with_colr_mdcv_and_clli.mp4",
        "v1080 v720 v480 v360 =a-und-2",
        1_001,
        17,
        &[HDR, "is AV1, not H.264"],
    ),
    warned("torture/hdr10-hevc-eac3-51.mp4", "v480 v360 a-und-2 =a-und-6", 5_000, 42, &[HDR, "is HEVC, not H.264"]),
    warned("torture/exo-portrait_4k60.mp4", "v1080 v720 v540 v360 =a-en-2", 300, 17, &["turned by 90°"]),
    // The first sample of its sound lasts 176 ms: a gap, which copying would keep.
    warned("torture/moviepy-rot180-vfr-phone.mp4", "v720 v480 v360 a-en-2", 2_380, 95, &["turned by 180°"]),
    warned(
        "torture/exo-h265_with_metadata_track.mp4",
        "v1080 v720 v540 v360 =a-en-2",
        100,
        34,
        &["is HEVC, not H.264"],
    ),
    warned(
        "torture/interlaced-2997-mpeg2-ac3.ts",
        "v480 v360 a-und-2 =a-und-6",
        5_005,
        34,
        &["is MPEG2VIDEO, not H.264"],
    ),
    published("films/bbb-480p-30s-51.mp4", "=v480 v360 a-und-2 =a-und-6", 30_000, 42),
    copied("films/bbb-1080p-30s-51.mp4", "=v1080 =a-und-6", 30_000, 42),
    copied("films/sintel_trailer-720p.mp4", "=v720 =a-und-2", 52_209, 42),
    copied("torture/shaka-cea608-captions-test.ts", "=v1080 t-und", 19_987, 34),
    published("films/timer-5min-avc-aac.mp4", "=v240 =a-und-1", 300_000, 42),
    published("films/bottle-40s-noaudio.mp4", "=v360", 39_855, 34),
    published("torture/exo-sample.mp4", "=v720 v480 v360 =a-und-1", 1_001, 34),
    published("torture/exo-sample_mdat_too_long.mp4", "=v720 v480 v360 =a-und-1", 1_001, 34),
    // ffprobe says 143 165 s, and knows no end of it.
    published("torture/exo-sample_fragmented.mp4", "=v720 v480 v360 =a-und-1", 1_001, 34),
    // Every picture is said to last 1 ms; 30 of them are shown 30 times a second.
    published("torture/exo-sample_with_srt.mkv", "=v720 v480 v360 a-und-2 t-en", 1_001, 2),
    warned("torture/exo-roadtrip-vp92-10bit.webm", "v240", 3_003, 42, &["is VP9, not H.264"]),
    warned("torture/prores-tmcd-23976-pcm24.mov", "v272 a-und-2", 1_502, 42, &["is PRORES, not H.264"]),
    published("torture/mp4ff-bbb-10s-sar4-3.mp4", "=v240 =a-und-2", 9_917, 42),
    // The header says 3900 s, the samples end at 8 s.
    published("torture/mp4ff-frag-duration-3900.mp4", "=v360", 8_000, 34),
    published("torture/multi-audio-ass-srt.mkv", "=v272 =a-en-2 =a-fr-2 =a-es-1 t-en t-fr", 10_000, 42),
    published("torture/multi-audio-movtext.mp4", "=v272 =a-en-2 =a-fr-2 =a-es-1 t-en t-fr", 10_000, 42),
    // One IDR picture, and exactly 12 s after it the end.
    published("torture/open-gop-bpyramid-negctts.mp4", "=v272 =a-und-2", 12_000, 42),
    published("torture/pts-wrap-33bit.ts", "=v240 =a-und-2", 10_000, 42),
    published("torture/vfr-dropped-frames.mp4", "=v272 =a-und-2", 10_000, 42),
    published("torture/wpt-negative-ctts-no-edts.mp4", "=v240", 10_000, 34),
    refused("torture/exo-sample_ac3_aac.mp4", "INPUT_NO_VIDEO"),
    refused("torture/mp4ff-ttml-stpp-progressive.mp4", "INPUT_NO_VIDEO"),
    // A media timescale of 0 leaves every sample outside of the edit list.
    refused("torture/moz-zero-timescale.mp4", "INPUT_DAMAGED"),
    refused("torture/truncated-mdat-faststart.mp4", "INPUT_TRUNCATED"),
    refused("torture/zero-length.mp4", "INPUT_EMPTY"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_film_of_the_collection_is_published_or_refused_as_the_table_says() {
    let Some(root) = film("MANIFEST.tsv").and_then(|manifest| manifest.parent().map(Path::to_owned)) else { return };
    let found: BTreeSet<String> = ["films", "torture"].into_iter().flat_map(|folder| files(&root, folder)).collect();
    let listed: BTreeSet<String> = TABLE.iter().map(|row| row.file.to_owned()).collect();
    assert_eq!(found.difference(&listed).collect::<Vec<_>>(), Vec::<&String>::new(), "not in the table");
    for missing in listed.difference(&found) {
        eprintln!("NOT TESTED: {missing} is missing from {}", root.display());
    }
    let present: Vec<&'static Row> = TABLE.iter().filter(|row| found.contains(row.file)).collect();
    let rows = std::sync::Arc::new(std::sync::Mutex::new(present.into_iter()));
    let mut lanes = tokio::task::JoinSet::new();
    for _ in 0..2 {
        let (rows, root) = (rows.clone(), root.clone());
        lanes.spawn(async move {
            loop {
                let next = rows.lock().unwrap().next();
                let Some(row) = next else { return };
                hold(row, &root.join(row.file)).await;
            }
        });
    }
    while let Some(lane) = lanes.join_next().await {
        lane.unwrap();
    }
}

fn files(root: &Path, folder: &str) -> Vec<String> {
    let entries = fs::read_dir(root.join(folder)).unwrap();
    entries.map(|entry| format!("{folder}/{}", entry.unwrap().file_name().into_string().unwrap())).collect()
}

async fn hold(row: &Row, input: &Path) {
    let file = row.file;
    let outs = tempfile::tempdir().unwrap();
    let out = outs.path().join("out");
    let result = package(input, &out, row.encoding).await;
    match &row.expected {
        Expected::Refused { code } => {
            assert_eq!(result.unwrap_err().code(), *code, "{file}");
            assert_eq!(fs::read_dir(outs.path()).unwrap().count(), 0, "{file} left something behind");
        }
        Expected::Published { tracks, duration_ms, within_ms, warnings } => {
            let packaged = result.unwrap_or_else(|error| panic!("{file}: {}", error.log_line()));
            assert_eq!(ids(&packaged), *tracks, "{file}");
            let seen_ms = packaged.index.duration_ms;
            assert!(seen_ms.abs_diff(*duration_ms) <= *within_ms, "{file}: {seen_ms} ms, not {duration_ms}");
            // What the kernel lacks is not about the film.
            let said: Vec<&String> = packaged.warnings.iter().filter(|said| !said.contains("Landlock")).collect();
            assert_eq!(said.len(), warnings.len(), "{file}: {said:?}");
            assert!(said.iter().zip(*warnings).all(|(said, part)| said.contains(part)), "{file}: {said:?}");
            check(&out, &packaged.index);
            assert_times_of_source(file, input, &out, &packaged);
            assert_eq!(fs::read_dir(outs.path()).unwrap().count(), 1, "{file} left something beside its package");
        }
    }
}

fn ids(packaged: &Packaged) -> String {
    let marked = packaged.index.tracks.iter().map(|track| {
        let mark = if packaged.copied.contains(&track.id) { "=" } else { "" };
        format!("{mark}{}", track.id)
    });
    marked.collect::<Vec<_>>().join(" ")
}

/// Pictures are presented when the source presents them, and copied sound as far from them at its start and its end.
/// (Encoded sound is placed by its timestamps; see the test below.)
fn assert_times_of_source(file: &str, input: &Path, out: &Path, packaged: &Packaged) {
    let source_us = decoded_us(input);
    let begin_us = source_us[0];
    let mut stereo = 0;
    for track in &packaged.index.tracks {
        let path = out.join(format!("{}.mp4", track.id));
        match &track.media {
            TrackMedia::Video(_) => {
                let seen_us = presented_us(&path, "v:0");
                assert_eq!(seen_us.len(), source_us.len(), "{file}: pictures of {}", track.id);
                let drift_us =
                    source_us.iter().zip(&seen_us).map(|(source, seen)| (source - begin_us - seen).abs()).max();
                assert!(drift_us <= Some(1_000), "{file}: {} drifts by {drift_us:?} µs", track.id);
            }
            TrackMedia::Audio(audio) => {
                let stream = if audio.group == "stereo" { stereo } else { 0 };
                stereo += usize::from(audio.group == "stereo");
                if !packaged.copied.contains(&track.id) {
                    continue;
                }
                let seen_us = presented_us(&path, "a:0");
                let end_us = packaged.index.duration_ms as i64 * 1_000;
                let mut heard_us = presented_us(input, &format!("a:{stream}"));
                heard_us.retain(|at| (-2_000..end_us).contains(&(at - begin_us)));
                for (source, seen) in [(heard_us.first(), seen_us.first()), (heard_us.last(), seen_us.last())] {
                    let off_us = source.unwrap() - begin_us - seen.unwrap();
                    assert!(off_us.abs() <= 10_000, "{file}: {} is off by {off_us} µs", track.id);
                }
            }
            // Held to what FFmpeg reads elsewhere.
            TrackMedia::Text(_) => {}
        }
    }
}

/// When the pictures are presented that FFmpeg decodes, in microseconds.
fn decoded_us(input: &Path) -> Vec<i64> {
    let entries = "frame=best_effort_timestamp_time";
    let file = input.to_str().unwrap();
    let args = ["-v", "quiet", "-select_streams", "v:0", "-show_entries", entries, "-of", "csv=p=0", file];
    let said = output("ffprobe", &args);
    let seconds = said.lines().filter_map(|line| line.trim_end_matches(',').parse::<f64>().ok());
    seconds.map(|seconds| (seconds * 1e6).round() as i64).collect()
}

/// Where `click` is loud in the sound of `file`, in seconds.
fn clicks_s(file: &Path) -> Vec<f64> {
    let done = std::process::Command::new("ffmpeg")
        .args(["-v", "error", "-i", file.to_str().unwrap(), "-map", "0:a:0", "-ac", "1", "-f", "s16le", "-"])
        .output()
        .unwrap();
    let loud = done.stdout.chunks_exact(2).map(|cell| i16::from_le_bytes([cell[0], cell[1]]).unsigned_abs() > 6_000);
    let mut at: Vec<f64> = Vec::new();
    for (place, _) in loud.enumerate().filter(|(_, is_loud)| *is_loud) {
        let second = place as f64 / 48_000.0;
        if at.last().is_none_or(|last| second - last > 0.5) {
            at.push(second);
        }
    }
    at
}

#[tokio::test(flavor = "multi_thread")]
async fn encoded_sound_keeps_its_distance_from_the_picture() {
    let root = tempfile::tempdir().unwrap();
    let click = "aevalsrc='if(lt(abs(t-1),0.005)+lt(abs(t-4),0.005),sin(2*PI*2000*t),0)':s=48000:d=5";
    // PCM has no priming, so the distance is what it was made to be: the picture begins 0 to 1.2 s after the sound.
    for late in [0.0, 0.04, 0.28, 0.8] {
        let input: PathBuf = root.path().join(format!("late-{late}.mov"));
        let (picture, offset) = (format!("testsrc2=size=320x240:rate=25:duration={}", 5.0 - late), late.to_string());
        let made =
            ["-v", "error", "-y", "-itsoffset", &offset, "-f", "lavfi", "-i", &picture, "-f", "lavfi", "-i", click];
        let encoders =
            ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-vsync", "0", "-c:a", "pcm_s16le"];
        output("ffmpeg", &[&made[..], &encoders, &[input.to_str().unwrap()]].concat());
        let out = root.path().join(format!("out-{late}"));
        package(&input, &out, Encoding::Ladder).await.unwrap();
        let heard = clicks_s(&out.join("a-und-2.mp4"));
        assert_eq!(heard.len(), 2, "{late}: {heard:?}");
        for (heard, made) in heard.into_iter().zip([1.0, 4.0]) {
            let off = heard - (made - 0.005 - late);
            assert!(off.abs() <= 0.01, "the picture is {late} s late and the sound is off by {off} s");
        }
    }
}
