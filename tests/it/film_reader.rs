//! What our own reader takes out of a plain MP4 or MOV is what libav takes out of it.

use std::collections::BTreeMap;
use std::fs;
use std::future::pending;
use std::path::Path;
use std::process::Command;

use marquee::base::error::Result;
use marquee::packager::job::{self, Encoding, FilmReader, PackageRequest, Packaged};

use crate::packager;

async fn package(film: &Path, out: &Path, reader: FilmReader) -> Result<Packaged> {
    let mut request = PackageRequest::new(env!("CARGO_BIN_EXE_marquee-worker"), film, out, Encoding::CopyOnly);
    (request.reader, request.pictures) = (reader, false);
    job::package(request, |_| {}, pending()).await
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap());
    files.map(|file| (file.file_name().into_string().unwrap(), fs::read(file.path()).unwrap())).collect()
}

/// Packages `film` with both readers; `reader` is the one that is to read it when libav need not.
async fn expect(film: &Path, reader: FilmReader) {
    let root = tempfile::tempdir().unwrap();
    let [ours, libavs] = [root.path().join("ours"), root.path().join("libavs")];
    let by_libav = package(film, &libavs, FilmReader::Libav).await;
    match package(film, &ours, FilmReader::Marquee).await {
        Ok(packaged) => {
            assert_eq!(packaged.reader, reader, "{}", film.display());
            assert_eq!(by_libav.unwrap().reader, FilmReader::Libav);
            let (ours, libavs) = (files(&ours), files(&libavs));
            assert!(ours.contains_key("main.m3u8") && !ours.contains_key("poster.jpg"), "{}", film.display());
            assert_eq!(ours.keys().collect::<Vec<_>>(), libavs.keys().collect::<Vec<_>>(), "{}", film.display());
            for (name, bytes) in &ours {
                assert!(*bytes == libavs[name], "{} of {} differs", name, film.display());
            }
        }
        Err(error) => {
            let other = by_libav.err().unwrap_or_else(|| panic!("{}: {}", film.display(), error.message()));
            assert_eq!((error.code(), error.message()), (other.code(), other.message()), "{}", film.display());
        }
    }
}

#[tokio::test]
async fn both_readers_say_the_same_of_every_film() {
    use FilmReader::{Libav, Marquee};
    for (name, reader) in [
        ("films/bbb-1080p-30s-51.mp4", Marquee),
        ("films/bbb-480p-30s-51.mp4", Marquee),
        ("films/bottle-40s-noaudio.mp4", Marquee),
        ("films/sintel_trailer-720p.mp4", Marquee),
        ("films/timer-5min-avc-aac.mp4", Marquee),
        ("torture/exo-sample.mp4", Libav),
        ("torture/vfr-dropped-frames.mp4", Marquee),
        ("torture/wpt-negative-ctts-no-edts.mp4", Libav),
        ("torture/exo-sample_fragmented.mp4", Libav),
        ("torture/exo-sample_mdat_too_long.mp4", Libav),
        ("torture/exo-sample_with_srt.mkv", Libav),
        ("torture/moz-zero-timescale.mp4", Libav),
        ("torture/mp4ff-bbb-10s-sar4-3.mp4", Marquee),
        ("torture/moviepy-rot180-vfr-phone.mp4", Marquee),
        ("torture/multi-audio-movtext.mp4", Marquee),
        ("torture/open-gop-bpyramid-negctts.mp4", Libav),
        ("torture/truncated-mdat-faststart.mp4", Libav),
        ("torture/prores-tmcd-23976-pcm24.mov", Libav),
    ] {
        if let Some(film) = packager::film(name) {
            expect(&film, reader).await;
        }
    }
}

/// Priming of 2112 samples, which an edit hides, and a picture of a changing rate.
#[tokio::test]
async fn edits_and_uneven_pictures_are_read_as_libav_reads_them() {
    let root = tempfile::tempdir().unwrap();
    let made = |name: &str, args: &[&str]| {
        let path = root.path().join(name);
        let done = Command::new("ffmpeg").args(["-v", "error", "-y"]).args(args).arg(&path).status().unwrap();
        assert!(done.success(), "{name}");
        path
    };
    let picture = "testsrc2=s=320x180:r=25:d=13";
    let sound = "sine=440:r=44100:d=13";
    let x264 =
        ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-x264-params", "keyint=50:scenecut=0"];
    let with = |tail: &[&'static str]| -> Vec<&str> {
        [&["-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound][..], &x264, tail].concat()
    };
    for (name, args, reader) in [
        ("priming.mp4", with(&["-c:a", "aac"]), FilmReader::Marquee),
        ("b-pictures.mov", with(&["-preset", "medium", "-bf", "3", "-c:a", "aac"]), FilmReader::Marquee),
        ("faststart.mp4", with(&["-c:a", "aac", "-movflags", "+faststart"]), FilmReader::Marquee),
        ("without-edits.mp4", with(&["-c:a", "aac", "-use_editlist", "0"]), FilmReader::Marquee),
        ("late-sound.mp4", with(&["-c:a", "aac", "-af", "adelay=50"]), FilmReader::Marquee),
        ("surround.mp4", with(&["-c:a", "ac3", "-ac", "6"]), FilmReader::Marquee),
        (
            "uneven.mp4",
            with(&["-c:a", "aac", "-vf", "select='not(eq(mod(n,7),3))'", "-fps_mode", "vfr"]),
            FilmReader::Marquee,
        ),
        ("fragments.mp4", with(&["-c:a", "aac", "-movflags", "+frag_keyframe"]), FilmReader::Libav),
        ("opus.mp4", with(&["-c:a", "libopus"]), FilmReader::Libav),
    ] {
        expect(&made(name, &args), reader).await;
    }
}
