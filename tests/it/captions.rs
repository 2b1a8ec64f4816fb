//! Captions of line 21 on real films: what FFmpeg reads in the pictures, or in a track of captions, is what our WebVTT
//! says.

use std::fmt::Write as _;
use std::fs;
use std::future::pending;
use std::path::Path;
use std::process::Command;

use marquee::packager::job::{self, Encoding, FilmReader, PackageRequest, Packaged};

use crate::packager::film as shared_film;
use crate::subtitles::{Seen, cues, ours, package};

const SHARED: &str = "torture/shaka-cea608-captions-test.ts";

fn ffmpeg(args: &[&str], out: &Path) {
    let made = Command::new("ffmpeg").args(["-v", "error", "-y"]).args(args).arg(out).status().unwrap();
    assert!(made.success(), "{}", out.display());
}

/// What FFmpeg reads in the pictures of a film; its times count from the first of them.
fn theirs(film: &Path) -> Vec<Seen> {
    let input = format!("movie={}[out+subcc]", film.display());
    let args = ["-v", "error", "-f", "lavfi", "-i", &input, "-map", "0:s", "-f", "srt", "-"];
    let output = Command::new("ffmpeg").args(args).output().unwrap();
    assert!(output.status.success());
    as_read(&String::from_utf8(output.stdout).unwrap())
}

/// FFmpeg's SubRip of captions, without its marks of place and with spaces for its fixed ones.
fn as_read(srt: &str) -> Vec<Seen> {
    cues(&srt.replace("{\\an7}", "").replace("\\h", " "))
}

fn said(cue: &Seen) -> (u64, u64, String) {
    (cue.start_ms, cue.end_ms, cue.words.join("/"))
}

fn only_text(packaged: &Packaged) -> Vec<Seen> {
    let tracks: Vec<_> = packaged.index.text().map(|(track, text)| (track, text.name.as_str())).collect();
    let [(track, "Captions")] = tracks.as_slice() else { panic!("{tracks:?}") };
    ours(&packaged.dir, track)
}

/// A film that begins in the middle of loading a caption, with B pictures, whoever reads it.
#[tokio::test]
async fn captions_in_the_pictures_say_what_ffmpeg_reads_in_them() {
    let Some(input) = shared_film(SHARED) else { return };
    let root = tempfile::tempdir().unwrap();
    let mp4 = root.path().join("film.mp4");
    ffmpeg(&["-i", input.to_str().unwrap(), "-c", "copy"], &mp4);
    let theirs: Vec<_> = theirs(&input).iter().map(said).collect();
    assert_eq!(theirs.len(), 3);
    for (film, reader) in [(&input, FilmReader::Libav), (&mp4, FilmReader::Marquee)] {
        let out = root.path().join(format!("out-{reader:?}"));
        let packaged = package(film, &out).await;
        assert_eq!(packaged.reader, reader);
        let ours: Vec<_> = only_text(&packaged).iter().map(said).collect();
        assert_eq!(ours[1..], theirs[1..]);
        // The memories change places at 0.701 s, and the display is erased at 4.905 s; FFmpeg 5.1 shows its first
        // caption before.
        assert_eq!(ours[0], (701, 4_905, theirs[0].2.clone()));
        let main = fs::read_to_string(out.join("main.m3u8")).unwrap();
        let mut variants = main.lines().filter(|line| line.starts_with("#EXT-X-STREAM-INF"));
        assert!(variants.all(|line| line.ends_with(",CLOSED-CAPTIONS=NONE,SUBTITLES=\"text\"")), "{main}");
    }
}

/// MPEG-2, and H.264 that has to be encoded because its groups of pictures are open; captions are not written twice.
#[tokio::test]
async fn captions_of_pictures_that_are_encoded_are_kept_as_words_alone() {
    let Some(input) = shared_film(SHARED) else { return };
    let root = tempfile::tempdir().unwrap();
    let open_gop = ["-c:v", "libx264", "-preset", "ultrafast", "-bf", "3", "-x264-params", "open-gop=1:keyint=30"];
    for (name, codec) in [
        ("mpeg2.ts", &["-c:v", "mpeg2video", "-bf", "2", "-q:v", "5"][..]),
        ("open.mp4", &open_gop),
        ("open.ts", &open_gop),
    ] {
        let film = root.path().join(name);
        ffmpeg(&[&["-i", input.to_str().unwrap(), "-vf", "scale=320:180"][..], codec].concat(), &film);
        let theirs: Vec<_> = theirs(&film).iter().map(said).collect();
        assert_eq!(theirs.len(), 3, "{name}");
        let out = root.path().join("out");
        let mut request = PackageRequest::new(env!("CARGO_BIN_EXE_marquee-worker"), &film, &out, Encoding::Ladder);
        request.pictures = false;
        let packaged = job::package(request, |_| {}, pending()).await.unwrap();
        let ours: Vec<_> = only_text(&packaged).iter().map(said).collect();
        assert_eq!(ours[1..], theirs[1..], "{name}");
        let rung = packaged.index.video().next().unwrap().0.file_name();
        let in_rung = self::theirs(&out.join(rung));
        assert!(in_rung.is_empty(), "{name}: {in_rung:?}");
        fs::remove_dir_all(&out).unwrap();
    }
}

/// Commands and letters of a Scenarist file, with parity.
enum Said {
    Command(u16),
    Letters(&'static str),
}

fn scenarist(lines: &[(&str, &[Said])]) -> String {
    let with_parity = |byte: u8| if byte.count_ones().is_multiple_of(2) { byte | 0x80 } else { byte };
    let mut text = "Scenarist_SCC V1.0\n".to_owned();
    for (at, line) in lines {
        write!(text, "\n{at}\t").unwrap();
        for said in *line {
            let pairs: Vec<[u8; 2]> = match said {
                Said::Command(command) => vec![command.to_be_bytes(); 2],
                Said::Letters(letters) => {
                    letters.as_bytes().chunks(2).map(|pair| [pair[0], pair.get(1).copied().unwrap_or(0)]).collect()
                }
            };
            for pair in pairs {
                let [first, second] = pair.map(with_parity);
                write!(text, "{first:02x}{second:02x} ").unwrap();
            }
        }
        text += "\n";
    }
    text
}

#[tokio::test]
async fn a_track_of_captions_in_every_style_says_what_ffmpeg_reads() {
    use Said::{Command as C, Letters as L};
    let root = tempfile::tempdir().unwrap();
    let scc = root.path().join("captions.scc");
    // Loaded, shown and erased; rolled up; painted, with a change of look and a special letter; extended letters.
    let lines: &[(&str, &[Said])] = &[
        ("00:00:00:15", &[C(0x1420), C(0x142e), C(0x1452), L("Pop on"), C(0x146e), L("slanted")]),
        ("00:00:02:00", &[C(0x142f)]),
        ("00:00:04:00", &[C(0x142c)]),
        ("00:00:05:00", &[C(0x1425), C(0x142d), C(0x1470), L("roll one")]),
        ("00:00:06:00", &[C(0x1425), C(0x142d), C(0x1470), L("roll two")]),
        ("00:00:07:00", &[C(0x1425), C(0x142d), C(0x1470), L("roll three")]),
        ("00:00:08:15", &[C(0x142c)]),
        ("00:00:09:00", &[C(0x1429), C(0x1150), L("painted"), C(0x112e), L("look"), C(0x1137)]),
        ("00:00:10:00", &[C(0x142c)]),
        ("00:00:10:15", &[C(0x1420), C(0x142e), C(0x1470), L("El ni~o * E"), C(0x1221), L(" s"), C(0x1334), C(0x1133)]),
        ("00:00:11:15", &[C(0x142f)]),
        ("00:00:12:00", &[C(0x142c)]),
        // FFmpeg's MOV lacks the last packet.
        ("00:00:12:15", &[C(0x142c)]),
    ];
    fs::write(&scc, scenarist(lines)).unwrap();
    let srt = root.path().join("captions.srt");
    ffmpeg(&["-i", scc.to_str().unwrap()], &srt);
    let theirs = as_read(&fs::read_to_string(&srt).unwrap());
    assert_eq!(theirs.len(), 6, "{theirs:?}");
    let input = root.path().join("film.mov");
    let picture = ["-f", "lavfi", "-i", "testsrc2=s=320x180:r=30:d=13"];
    let x264 = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "60", "-c:s", "copy"];
    ffmpeg(&[&picture[..], &["-i", scc.to_str().unwrap(), "-map", "0:v", "-map", "1:s"], &x264].concat(), &input);
    let packaged = package(&input, &root.path().join("out")).await;
    assert_eq!(packaged.reader, FilmReader::Libav, "our own reader knows no track of captions");
    let ours = only_text(&packaged);
    let words = |cues: &[Seen]| cues.iter().map(|cue| cue.words.join("/")).collect::<Vec<_>>();
    assert_eq!(words(&ours), words(&theirs));
    // FFmpeg begins what is seen at once with its packet; it is seen from its first letter, up to six pairs later.
    for (ours, theirs) in ours.iter().zip(&theirs).filter(|(_, theirs)| !theirs.words[0].starts_with("painted")) {
        let late_ms = ours.start_ms.checked_sub(theirs.start_ms).unwrap();
        assert!(late_ms <= 201 && ours.end_ms.abs_diff(theirs.end_ms) <= 201, "{ours:?} {theirs:?}");
    }
    assert_eq!(said(&ours[0]), (2_000, 4_000, "Pop on/slanted".to_owned()));
    assert_eq!(said(&ours[4]).0, 9_133, "FFmpeg 5.1 begins it when the display is erased before");
}
