//! Sound on its way through the packager: what is kept beside stereo, where each channel goes, and that all of it stays
//! with the picture.

use std::fs;
use std::future::pending;
use std::path::Path;
use std::process::Command;

use marquee::packager::job::{self, Encoding, PackageRequest, Packaged, SidecarFile};

use crate::packager::{check, output, package};

/// Six seconds of picture, and of sound that clicks in channel n at n + 0.5 s and in all of them at 5.8 s, except that the
/// LFE, which has no high tones, is silent.
fn clicking(path: &Path, layout: &str, codec: &[&str]) {
    let channels = if layout == "7.1" { 8 } else { 6 };
    let click = |at: f64| format!("lt(abs(t-{at}),0.005)");
    let of_channel = |n: usize| match n {
        3 => "0".to_owned(),
        n => format!("if({}+{},0.9*sin(2*PI*1500*t),0)", click(n as f64 * 0.7 + 0.5), click(5.8)),
    };
    let all: Vec<String> = (0..channels).map(of_channel).collect();
    let sound = format!("aevalsrc='{}':c={layout}:s=48000:d=6", all.join("|"));
    let picture = "testsrc2=size=320x240:rate=25:duration=6";
    let made = ["-v", "error", "-y", "-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", &sound];
    let encoders = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a"];
    output("ffmpeg", &[&made[..], &encoders, codec, &[path.to_str().unwrap()]].concat());
}

/// Where channel `n` of the sound begins to be loud, in seconds.
fn clicks_s(file: &Path, channel: usize) -> Vec<f64> {
    // What begins after the picture is heard as late as that.
    let pan = format!("aresample=48000:async=1:first_pts=0,pan=mono|c0=c{channel}");
    let done = Command::new("ffmpeg")
        .args([
            "-v",
            "error",
            "-copyts",
            "-i",
            file.to_str().unwrap(),
            "-map",
            "0:a:0",
            "-af",
            &pan,
            "-f",
            "s16le",
            "-",
        ])
        .output()
        .unwrap();
    let loud = done.stdout.chunks_exact(2).map(|cell| i16::from_le_bytes([cell[0], cell[1]]).unsigned_abs() > 5_000);
    let mut at: Vec<f64> = Vec::new();
    for (place, _) in loud.enumerate().filter(|(_, is_loud)| *is_loud) {
        let second = place as f64 / 48_000.0;
        if at.last().is_none_or(|last| second - last > 0.2) {
            at.push(second);
        }
    }
    at
}

/// The hash of each sample of the sound.
fn samples(file: &Path) -> Vec<String> {
    let args = ["-v", "error", "-i", file.to_str().unwrap(), "-map", "0:a:0", "-c", "copy", "-f", "framemd5", "-"];
    let said = output("ffmpeg", &args);
    said.lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split(',').nth(5).unwrap().trim().to_owned())
        .collect()
}

/// The payload of the first box of this kind.
fn box_of(file: &Path, kind: [u8; 4]) -> Vec<u8> {
    let bytes = fs::read(file).unwrap();
    let at = bytes.windows(4).position(|window| *window == kind).unwrap();
    let size = u32::from_be_bytes(bytes[at - 4..at].try_into().unwrap()) as usize;
    bytes[at + 4..at - 4 + size].to_vec()
}

#[tokio::test]
async fn surround_that_no_browser_plays_becomes_aac_with_every_channel_in_its_place_and_time() {
    for (layout, codec) in [("5.1", &["flac"][..]), ("7.1", &["pcm_s16le"])] {
        let root = tempfile::tempdir().unwrap();
        let input = root.path().join("film.mkv");
        clicking(&input, layout, codec);
        let out = root.path().join("out");
        let packaged = package(&input, &out, Encoding::Ladder).await.unwrap();
        check(&out, &packaged.index);
        let seen: Vec<(&str, &str)> =
            packaged.index.audio().map(|(track, audio)| (track.id.as_str(), audio.group.as_str())).collect();
        assert_eq!(seen, [("a-und-2", "stereo"), ("a-und-6", "surround")], "{layout}");
        let surround = out.join("a-und-6.mp4");
        for channel in [0, 1, 2, 4, 5] {
            let heard = clicks_s(&surround, channel);
            // The back pair of 7.1 goes to the surround pair, whose own clicks come 1.4 s later.
            let made: &[f64] = match (layout, channel) {
                ("7.1", 4) => &[3.3, 4.7, 5.8],
                ("7.1", 5) => &[4.0, 5.4, 5.8],
                (_, channel) => &[channel as f64 * 0.7 + 0.5, 5.8],
            };
            assert_eq!(heard.len(), made.len(), "{layout}, channel {channel}: {heard:?}");
            for (heard, made) in heard.iter().zip(made) {
                assert!((heard - (made - 0.005)).abs() <= 0.01, "{layout}, channel {channel}: {heard} for {made}");
            }
        }
        assert!(clicks_s(&surround, 3).is_empty());
    }
}

#[tokio::test]
async fn dolby_surround_is_passed_through_as_another_muxer_would_and_stays_with_the_picture() {
    for (codec, entry, group) in [("ac3", *b"dac3", "ac-3"), ("eac3", *b"dec3", "ec-3")] {
        let root = tempfile::tempdir().unwrap();
        let input = root.path().join("film.mkv");
        clicking(&input, "5.1", &[codec, "-b:a", "448k"]);
        let out = root.path().join("out");
        let packaged = package(&input, &out, Encoding::Ladder).await.unwrap();
        check(&out, &packaged.index);
        let track = packaged.index.track("a-und-6").unwrap();
        assert_eq!(track.codec, group);
        assert!(packaged.copied.contains(&track.id));
        let kept = out.join("a-und-6.mp4");
        let (theirs, ours) = (samples(&input), samples(&kept));
        // What begins before the picture, or when it is over, is dropped.
        assert!(theirs.windows(ours.len()).any(|window| window == ours), "{codec}");
        assert!(theirs.len() - ours.len() <= 2, "{codec}");
        let theirs = root.path().join("theirs.mp4");
        output("ffmpeg", &["-v", "error", "-i", input.to_str().unwrap(), "-c", "copy", theirs.to_str().unwrap()]);
        assert_eq!(box_of(&kept, entry), box_of(&theirs, entry), "{codec}");
        let main = fs::read_to_string(out.join("main.m3u8")).unwrap();
        let audio: Vec<&str> = main.lines().filter(|line| line.starts_with("#EXT-X-STREAM-INF")).collect();
        assert!(audio[0].contains("AUDIO=\"stereo\"") && audio[0].contains("mp4a.40.2\""), "{main}");
        let dolby = format!(",{group}\"");
        assert!(audio[1].contains(&format!("AUDIO=\"{group}\"")) && audio[1].contains(&dolby), "{main}");
        // The source, the kept track and the stereo made of it click at the same instants: at the start, in the middle and
        // at the end.
        let source = clicks_s(&input, 0);
        assert_eq!(source.len(), 2);
        for (file, channel) in [(&kept, 0), (&out.join("a-und-2.mp4"), 0)] {
            let heard = clicks_s(file, channel);
            let is_near = |at: &f64| heard.iter().any(|heard| (heard - at).abs() <= 0.01);
            assert!(source.iter().all(is_near), "{codec}: {heard:?}, {source:?} in the source");
        }
    }
}

#[tokio::test]
async fn commentary_and_descriptions_are_renditions_of_their_own() {
    let root = tempfile::tempdir().unwrap();
    let input = root.path().join("film.mkv");
    let made = ["-v", "error", "-f", "lavfi", "-i", "testsrc2=size=320x240:rate=25:duration=2"];
    let sound = ["-f", "lavfi", "-i", "sine=duration=2"];
    let maps = ["-map", "0:v", "-map", "1:a", "-map", "1:a", "-map", "1:a", "-c:v", "libx264", "-pix_fmt", "yuv420p"];
    let roles = ["-disposition:a:1", "comment", "-disposition:a:2", "visual_impaired"];
    let languages = ["-metadata:s:a", "language=eng", input.to_str().unwrap()];
    output("ffmpeg", &[&made[..], &sound, &maps, &roles, &languages].concat());
    let out = root.path().join("out");
    let packaged = package(&input, &out, Encoding::Ladder).await.unwrap();
    check(&out, &packaged.index);
    let main = fs::read_to_string(out.join("main.m3u8")).unwrap();
    let said: Vec<bool> = main
        .lines()
        .filter(|line| line.starts_with("#EXT-X-MEDIA"))
        .zip([
            ["NAME=\"English\"", "DEFAULT=YES,AUTOSELECT=YES,CHANNELS=\"2\",URI"],
            [
                "NAME=\"English (commentary)\"",
                "AUTOSELECT=NO,CHANNELS=\"2\",CHARACTERISTICS=\"public.auxiliary-content\"",
            ],
            ["NAME=\"English (audio description)\"", "CHARACTERISTICS=\"public.accessibility.describes-video\""],
        ])
        .map(|(line, parts)| parts.iter().all(|part| line.contains(part)))
        .collect();
    assert_eq!(said, [true, true, true], "{main}");
}

/// A film of six silent seconds, without a sound of its own.
fn silent_film(path: &Path) {
    let made = ["-v", "error", "-f", "lavfi", "-i", "testsrc2=size=320x240:rate=25:duration=6"];
    let encoder = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", path.to_str().unwrap()];
    output("ffmpeg", &[&made[..], &encoder].concat());
}

async fn package_with(input: &Path, out: &Path, files: &[(&str, &Path)]) -> marquee::base::error::Result<Packaged> {
    let mut request = PackageRequest::new(env!("CARGO_BIN_EXE_marquee-worker"), input, out, Encoding::Ladder);
    let sidecar = |(language, path): &(&str, &Path)| SidecarFile {
        language: (*language).to_owned(),
        path: path.into(),
        name: path.display().to_string(),
    };
    request.audio = files.iter().map(sidecar).collect();
    job::package(request, |_| {}, pending()).await
}

#[tokio::test]
async fn a_dub_in_a_file_begins_with_the_picture_and_ends_with_it_whatever_it_is() {
    let root = tempfile::tempdir().unwrap();
    let input = root.path().join("film.mp4");
    silent_film(&input);
    let click = |at: f64| format!("lt(abs(t-{at}),0.005)");
    let mut files = Vec::new();
    for (language, name, seconds) in [
        ("en", "long.wav", 8),
        ("fr", "short.m4a", 4),
        ("de", "dub.mp3", 6),
        ("es", "dub.ogg", 6),
        ("ja", "whole.m4a", 6),
    ] {
        let path = root.path().join(name);
        let sound = format!("aevalsrc='if({}+{},0.9*sin(2*PI*1500*t),0)':s=48000:d={seconds}", click(0.5), click(3.5));
        let codec: &[&str] = if name.ends_with("ogg") { &["-c:a", "libopus"] } else { &[] };
        output(
            "ffmpeg",
            &[&["-v", "error", "-f", "lavfi", "-i", &sound][..], codec, &[path.to_str().unwrap()]].concat(),
        );
        files.push((language, path));
    }
    let given: Vec<(&str, &Path)> = files.iter().map(|(language, path)| (*language, path.as_path())).collect();
    let out = root.path().join("out");
    let packaged = package_with(&input, &out, &given).await.unwrap();
    check(&out, &packaged.index);
    let languages: Vec<_> = packaged.index.audio().map(|(_, audio)| audio.language.as_deref().unwrap()).collect();
    assert_eq!(languages, ["en", "fr", "de", "es", "ja"]);
    for (track, audio) in packaged.index.audio() {
        let length_s = track.timescale.seconds(track.segment_start(track.segments.len()));
        assert!((5.95..6.05).contains(&length_s), "{}: {length_s} s", track.id);
        let heard = clicks_s(&out.join(track.file_name()), 0);
        let is_there = |at: f64| heard.iter().any(|heard| (heard - (at - 0.005)).abs() <= 0.01);
        assert!(heard.len() == 2 && is_there(0.5) && is_there(3.5), "{:?}: {heard:?}", audio.language);
    }
    assert_eq!(packaged.copied, ["v240", "a-ja-1"], "of the sound, only AAC that lasts as long as the film");
}

#[tokio::test]
async fn a_file_that_holds_no_sound_is_refused_and_leaves_nothing() {
    let root = tempfile::tempdir().unwrap();
    let input = root.path().join("film.mp4");
    silent_film(&input);
    let text = root.path().join("text.m4a");
    fs::write(&text, "no sound at all\n".repeat(100)).unwrap();
    let outs = root.path().join("outs");
    fs::create_dir(&outs).unwrap();
    for path in [&text, &input] {
        let refused = package_with(&input, &outs.join("out"), &[("fr", path)]).await.unwrap_err();
        assert_eq!(refused.code(), "AUDIO_UNREADABLE");
        assert!(refused.message().contains(path.file_name().unwrap().to_str().unwrap()), "{}", refused.message());
    }
    let many = vec![("fr", text.as_path()); 9];
    assert_eq!(package_with(&input, &outs.join("out"), &many).await.unwrap_err().code(), "AUDIO_UNREADABLE");
    assert_eq!(fs::read_dir(&outs).unwrap().count(), 0);
}
