//! Subtitles on real films: what FFmpeg reads from the source is what our WebVTT says, when it says it.

use std::fs;
use std::future::pending;
use std::path::{Path, PathBuf};
use std::process::Command;

use marquee::media::rendition::{AssetIndex, TrackIndex};
use marquee::packager::job::{self, Encoding, PackageRequest, Packaged, SidecarFile};

use crate::film;
use crate::packager::{film as shared_film, presented_us};

pub async fn package(input: &Path, out: &Path) -> Packaged {
    package_with(input, out, &[]).await.unwrap()
}

async fn package_with(input: &Path, out: &Path, files: &[(&str, &Path)]) -> marquee::base::error::Result<Packaged> {
    let mut request = PackageRequest::new(env!("CARGO_BIN_EXE_marquee-worker"), input, out, Encoding::CopyOnly);
    let subtitle = |(language, path): &(&str, &Path)| SidecarFile {
        language: (*language).to_owned(),
        path: path.into(),
        name: path.display().to_string(),
    };
    request.subtitles = files.iter().map(subtitle).collect();
    job::package(request, |_| {}, pending()).await
}

/// A cue as whoever reads it sees it: milliseconds and the words of each line, without markup.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seen {
    pub start_ms: u64,
    pub end_ms: u64,
    pub words: Vec<String>,
}

/// The cues of a SubRip or WebVTT text.
pub fn cues(text: &str) -> Vec<Seen> {
    let text = text.replace('\r', "");
    let blocks = text.split("\n\n").filter_map(|block| {
        let mut lines = block.lines().skip_while(|line| !line.contains("-->"));
        let (start, end) = lines.next()?.split_once(" --> ")?;
        let words: Vec<String> = lines.map(plain).filter(|line| !line.is_empty()).collect();
        (!words.is_empty()).then(|| Seen { start_ms: ms(start), end_ms: ms(end), words })
    });
    blocks.collect()
}

fn ms(stamp: &str) -> u64 {
    let stamp = stamp.split_whitespace().next().unwrap().replace(',', ".");
    let (clock, fraction) = stamp.split_once('.').unwrap();
    let seconds = clock.split(':').fold(0, |sum, part| sum * 60 + part.parse::<u64>().unwrap());
    seconds * 1000 + fraction.parse::<u64>().unwrap()
}

fn plain(line: &str) -> String {
    let mut out = String::new();
    let mut is_tag = false;
    for letter in line.chars() {
        match letter {
            '<' => is_tag = true,
            '>' => is_tag = false,
            letter if !is_tag => out.push(letter),
            _ => {}
        }
    }
    out.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").trim().to_owned()
}

/// The cues of a track, each once, from its segments; each segment must hold just what it touches.
pub fn ours(dir: &Path, track: &TrackIndex) -> Vec<Seen> {
    let file = fs::read_to_string(dir.join(track.file_name())).unwrap();
    let mut all: Vec<Seen> = Vec::new();
    let (mut from_ms, mut end) = (0, 0);
    for segment in &track.segments {
        assert_eq!(segment.offset, end, "one after another");
        end += segment.bytes;
        let text = &file[segment.offset as usize..end as usize];
        assert!(text.starts_with(film::TEXT_HEADER), "{text}");
        for cue in cues(text) {
            assert!(cue.start_ms < from_ms + segment.duration_ticks && cue.end_ms > from_ms, "{cue:?} at {from_ms}");
            all.push(cue);
        }
        from_ms += segment.duration_ticks;
    }
    assert_eq!(end as usize, file.len());
    all.sort();
    all.dedup();
    all
}

/// What FFmpeg reads of the source's subtitle track, from the first picture on.
fn theirs(input: &Path, stream: usize) -> Vec<Seen> {
    let output = Command::new("ffmpeg")
        // The source's own times: otherwise FFmpeg counts from its earliest packet, which may be sound.
        .args([
            "-v",
            "error",
            "-copyts",
            "-i",
            input.to_str().unwrap(),
            "-map",
            &format!("0:s:{stream}"),
            "-f",
            "srt",
            "-",
        ])
        .output()
        .unwrap();
    assert!(output.status.success());
    let begins_ms = presented_us(input, "v:0")[0] as u64 / 1000;
    let mut seen = cues(&String::from_utf8(output.stdout).unwrap());
    for cue in &mut seen {
        (cue.start_ms, cue.end_ms) = (cue.start_ms - begins_ms, cue.end_ms - begins_ms);
    }
    seen.sort();
    seen
}

fn text_tracks(index: &AssetIndex) -> Vec<(String, Option<String>, String)> {
    index.text().map(|(track, text)| (track.id.clone(), text.language.clone(), text.name.clone())).collect()
}

#[tokio::test]
async fn every_text_track_says_what_ffmpeg_reads_when_it_reads_it() {
    for (name, expected) in [
        ("torture/multi-audio-ass-srt.mkv", &["t-en", "t-fr"][..]),
        ("torture/multi-audio-movtext.mp4", &["t-en", "t-fr"]),
    ] {
        let Some(input) = shared_film(name) else { continue };
        let root = tempfile::tempdir().unwrap();
        let packaged = package(&input, &root.path().join("out")).await;
        let tracks = text_tracks(&packaged.index);
        assert_eq!(tracks.iter().map(|(id, ..)| id.as_str()).collect::<Vec<_>>(), expected, "{name}");
        for (place, (track, _)) in packaged.index.text().enumerate() {
            let (ours, theirs) = (ours(&packaged.dir, track), theirs(&input, place));
            assert!(!ours.is_empty());
            assert_eq!(ours.len(), theirs.len(), "{name} {}: {ours:?} {theirs:?}", track.id);
            for (ours, theirs) in ours.iter().zip(&theirs) {
                let near = |ours: u64, theirs: u64| ours.abs_diff(theirs) <= 1 || theirs > packaged.index.duration_ms;
                assert!(
                    near(ours.start_ms, theirs.start_ms) && near(ours.end_ms, theirs.end_ms),
                    "{ours:?} {theirs:?}"
                );
                assert_eq!(ours.words, theirs.words, "{name} {}", track.id);
            }
        }
        let main = fs::read_to_string(packaged.dir.join("main.m3u8")).unwrap();
        assert!(main.contains(
            "#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"text\",LANGUAGE=\"fr\",NAME=\"Français\",STABLE-RENDITION-ID=\"t-fr\",\
             DEFAULT=NO,AUTOSELECT=YES,FORCED=NO,URI=\"t-fr.m3u8\"\n"
        ), "{main}");
        assert!(
            main.lines()
                .filter(|line| line.starts_with("#EXT-X-STREAM-INF"))
                .all(|line| line.ends_with(",SUBTITLES=\"text\""))
        );
    }
}

/// TTML has no decoder in FFmpeg 5.1, but an encoder: what it makes of SubRip must say to us what FFmpeg reads of that.
#[tokio::test]
async fn ttml_in_the_film_and_beside_it_says_what_it_was_made_of() {
    let Some(input) = shared_film("torture/multi-audio-ass-srt.mkv") else { return };
    let root = tempfile::tempdir().unwrap();
    let at = |name: &str| root.path().join(name);
    let words = at("words.srt");
    fs::write(&words, srt_of(&input)).unwrap();
    let make = |film: &Path, options: &[&str], out: &str| {
        let status = Command::new("ffmpeg")
            .args(["-v", "error", "-y", "-i"])
            .arg(film)
            .arg("-i")
            .arg(&words)
            .args(options)
            .arg(at(out))
            .status();
        assert!(status.unwrap().success(), "{out}");
    };
    let language = ["-metadata:s:s:0", "language=fre"];
    make(&input, &[&["-map", "0:v", "-map", "1:s", "-c", "copy", "-c:s", "ttml"][..], &language].concat(), "film.mp4");
    make(&input, &["-map", "1:s", "-c:s", "ttml"], "beside.ttml");
    let sidecar = at("beside.ttml");
    let packaged = package_with(&at("film.mp4"), &at("out"), &[("de", &sidecar)]).await.unwrap();
    let expected = cues(&fs::read_to_string(&words).unwrap());
    assert!(expected.len() > 1);
    // Times beside the film count from its first picture, those inside from where the container does.
    let begins_ms = presented_us(&at("film.mp4"), "v:0")[0] as u64 / 1000;
    for (id, begins_ms) in [("t-fr", begins_ms), ("t-de", 0)] {
        let seen = ours(&packaged.dir, packaged.index.track(id).unwrap());
        let end_ms = packaged.index.duration_ms;
        let moved = |cue: &Seen| Seen {
            start_ms: cue.start_ms - begins_ms,
            end_ms: (cue.end_ms - begins_ms).min(end_ms),
            words: cue.words.clone(),
        };
        assert_eq!(seen, expected.iter().map(moved).collect::<Vec<_>>(), "{id}");
    }
    let kinds: Vec<_> = packaged.source.unwrap().tracks.iter().map(|track| track.codec.clone()).collect();
    assert_eq!(kinds, ["h264", "ttml"], "of the film itself");
}

fn srt_of(input: &Path) -> Vec<u8> {
    let args = ["-map", "0:s:0", "-f", "srt", "-"];
    let output = Command::new("ffmpeg").args(["-v", "error", "-i"]).arg(input).args(args).output().unwrap();
    assert!(output.status.success());
    output.stdout
}

#[tokio::test]
async fn timed_text_that_is_pictures_is_refused_beside_the_film_with_its_reason() {
    let root = tempfile::tempdir().unwrap();
    let at = |name: &str| root.path().join(name);
    let tt = "<tt xmlns=\"http://www.w3.org/ns/ttml\" xmlns:ttp=\"http://www.w3.org/ns/ttml#parameter\"";
    let profile = "ttp:profile=\"http://www.w3.org/ns/ttml/profile/imsc1/image\"";
    fs::write(at("pictures.xml"), format!("{tt} {profile}><body/></tt>")).unwrap();
    fs::write(at("page.xml"), "<html/>").unwrap();
    fs::write(at("bomb.ttml"), format!("<!DOCTYPE tt [<!ENTITY a \"b\">]>{tt}><body/></tt>")).unwrap();
    for (name, reason) in [
        ("pictures.xml", "it is TTML with pictures rather than words."),
        ("page.xml", "it is XML, but not TTML."),
        ("bomb.ttml", "there is a document type declaration."),
    ] {
        let refused = package_with(&film::file(), &at("out"), &[("zh", &at(name))]).await.unwrap_err();
        assert_eq!(refused.code(), "SUBTITLE_UNREADABLE", "{name}");
        assert!(refused.message().ends_with(reason), "{}", refused.message());
    }
}

/// Muxes these SubRip texts into a Matroska film with the given dispositions.
fn with_words(folder: &Path, words: &[(&str, &str, &str)]) -> PathBuf {
    let film = folder.join("film.mkv");
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-y", "-i"]).arg(film::file());
    for (n, (text, ..)) in words.iter().enumerate() {
        let file = folder.join(format!("{n}.srt"));
        fs::write(&file, text).unwrap();
        command.arg("-i").arg(file);
    }
    command.args(["-map", "0:v", "-map", "0:a"]);
    for n in 0..words.len() {
        command.args(["-map", &format!("{}:s", n + 1)]);
    }
    command.args(["-c", "copy"]);
    for (n, (_, language, disposition)) in words.iter().enumerate() {
        command.args([format!("-metadata:s:s:{n}"), format!("language={language}")]);
        command.args([format!("-disposition:s:{n}"), (*disposition).to_owned()]);
    }
    assert!(command.arg(&film).status().unwrap().success());
    film
}

#[tokio::test]
async fn a_late_first_cue_is_not_early_and_flags_and_languages_are_kept() {
    let root = tempfile::tempdir().unwrap();
    let late = "1\n00:00:20,500 --> 00:00:30,000\n迟到的 <b>字幕</b> & more\n";
    let input = with_words(
        root.path(),
        &[
            (late, "chi", "0"),
            (late, "chi", "forced"),
            (late, "eng", "hearing_impaired"),
            ("1\n00:00:40,000 --> 00:00:41,000\nafter the end\n", "fre", "0"),
        ],
    );
    let packaged = package(&input, &root.path().join("out")).await;
    let zh = packaged.index.track("t-zh").unwrap();
    let cue =
        Seen {
            start_ms: 20_500, end_ms: packaged.index.duration_ms, words: vec!["迟到的 字幕 & more".to_owned()]
        };
    assert_eq!(ours(&packaged.dir, zh), [cue], "as late as it is, and not longer than the film");
    let main = fs::read_to_string(packaged.dir.join("main.m3u8")).unwrap();
    assert!(main.contains("STABLE-RENDITION-ID=\"t-zh-2\",DEFAULT=NO,AUTOSELECT=YES,FORCED=YES"), "{main}");
    assert!(main.contains("FORCED=NO,CHARACTERISTICS=\"public.accessibility.transcribes-spoken-dialog,public.accessibility.describes-music-and-sound\",URI=\"t-en.m3u8\""), "{main}");
    assert!(packaged.index.track("t-fr").is_none());
    assert!(packaged.warnings.iter().any(|warning| warning.contains("t-fr have no words")), "{:?}", packaged.warnings);
    let names: Vec<String> = text_tracks(&packaged.index).into_iter().map(|(.., name)| name).collect();
    assert_eq!(names, ["中文", "中文 2", "English"]);
}

#[tokio::test]
async fn subtitles_that_are_pictures_are_left_out_with_a_reason_and_the_film_is_published() {
    let root = tempfile::tempdir().unwrap();
    let film = root.path().join("film.mkv");
    let words = root.path().join("words.srt");
    fs::write(&words, "1\n00:00:01,000 --> 00:00:02,000\nx\n").unwrap();
    // FFmpeg writes no picture subtitles from text, so the picture is drawn: a DVD subtitle of one frame of noise.
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-i"])
        .arg(film::file())
        .args(["-i"])
        .arg(dvd_subtitle(root.path()))
        .args(["-map", "0:v", "-map", "1:s", "-c", "copy"])
        .arg(&film)
        .status()
        .unwrap();
    assert!(made.success());
    let packaged = package(&film, &root.path().join("out")).await;
    assert_eq!(packaged.index.text().count(), 0);
    let said = "Track 1 is subtitles as pictures (dvd_subtitle), not text; it is left out.";
    assert_eq!(packaged.warnings, [said]);
}

/// A VobSub pair with one picture.
fn dvd_subtitle(folder: &Path) -> PathBuf {
    let index = folder.join("words.idx");
    fs::write(
        &index,
        "# VobSub index file, v7 (do not modify this line!)\nsize: 640x360\npalette: 000000, ffffff, 000000, 000000, 000000, 000000, 000000, 000000, 000000, 000000, 000000, 000000, 000000, 000000, 000000, 000000\nid: en, index: 0\ntimestamp: 00:00:01:000, filepos: 000000000\n",
    )
    .unwrap();
    // One MPEG program stream pack with one private-stream-1 packet that holds a subpicture unit.
    let unit: &[u8] = &[
        0, 0x1c, 0, 0x08, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0x08, 0x01, 0x03, 0, 1, 0x04, 0xff, 0xff, 0x05, 0, 0, 0x10,
        0, 0, 0x10, 0xff, 0xff,
    ];
    let mut packet = vec![0, 0, 1, 0xba, 0x44, 0, 4, 0, 4, 1, 0, 0, 3, 0xf8];
    let length = (3 + 5 + 1 + unit.len()) as u16;
    packet.extend([0, 0, 1, 0xbd, (length >> 8) as u8, length as u8, 0x81, 0x80, 5, 0x21, 0, 0x05, 0xbf, 0x21, 0x20]);
    packet.extend(unit);
    packet.resize(2048, 0xff);
    fs::write(folder.join("words.sub"), packet).unwrap();
    index
}

#[tokio::test]
async fn files_beside_the_film_are_read_whatever_they_are_written_in() {
    let root = tempfile::tempdir().unwrap();
    let at = |name: &str| root.path().join(name);
    let said = "1\r\n00:00:07,000 --> 00:00:08,500\r\n地上有一个洞\r\n";
    let (national, ..) = encoding_rs::GB18030.encode(said);
    fs::write(at("gb.srt"), national).unwrap();
    fs::write(at("plain.vtt"), "WEBVTT\n\n00:07.000 --> 00:08.500 line:0\nA <i>hole</i> in the ground\n").unwrap();
    let ass = "[Script Info]\nScriptType: v4.00+\n\n[Events]\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n\
        Dialogue: 0,0:00:07.00,0:00:08.50,Default,,0,0,0,,{\\an8}Ein Loch\\Nim Boden\n";
    fs::write(at("styled.ass"), ass).unwrap();
    let files = [("zh-Hans", at("gb.srt")), ("en", at("plain.vtt")), ("de", at("styled.ass"))];
    let files: Vec<(&str, &Path)> = files.iter().map(|(language, path)| (*language, path.as_path())).collect();
    let packaged = package_with(&film::file(), &at("out"), &files).await.unwrap();
    let seen = |id: &str| ours(&packaged.dir, packaged.index.track(id).unwrap());
    let cue = |words: &[&str]| {
        [Seen { start_ms: 7_000, end_ms: 8_500, words: words.iter().map(|line| (*line).to_owned()).collect() }]
    };
    assert_eq!(seen("t-zh-hans"), cue(&["地上有一个洞"]));
    assert_eq!(seen("t-de"), cue(&["Ein Loch", "im Boden"]));
    let top = fs::read_to_string(packaged.dir.join("t-de.vtt")).unwrap();
    assert!(top.contains("00:00:08.500 line:0\nEin Loch\nim Boden\n"), "{top}");
    // The film has English ones of its own.
    assert_eq!(seen("t-en-2"), cue(&["A hole in the ground"]));
    let tracks = text_tracks(&packaged.index);
    assert_eq!(tracks[1], ("t-zh-hans".to_owned(), Some("zh-Hans".to_owned()), "简体中文".to_owned()));
}

#[tokio::test]
async fn a_file_that_holds_no_subtitles_is_refused_and_leaves_nothing() {
    let root = tempfile::tempdir().unwrap();
    let at = |name: &str| root.path().join(name);
    fs::write(at("noise.srt"), [0x31, 0xff, 0xff, 0x00]).unwrap();
    fs::write(at("prose.srt"), "Once upon a time there was a rabbit.\n").unwrap();
    fs::write(at("empty.srt"), "").unwrap();
    fs::File::create(at("large.srt")).unwrap().set_len(8 * 1024 * 1024 + 1).unwrap();
    for (name, code) in [
        ("noise.srt", "SUBTITLE_UNREADABLE"),
        ("prose.srt", "SUBTITLE_UNREADABLE"),
        ("empty.srt", "SUBTITLE_UNREADABLE"),
        ("large.srt", "SUBTITLE_UNREADABLE"),
        ("missing.srt", "INPUT_NOT_FOUND"),
        (".", "SUBTITLE_UNREADABLE"),
    ] {
        let refused = package_with(&film::file(), &at("out"), &[("zh", &at(name))]).await.unwrap_err();
        assert_eq!(refused.code(), code, "{name}");
        assert!(refused.message().contains(name), "{}", refused.message());
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 4, "{name}: nothing is left");
    }
    let film = film::file();
    for wrong in ["film.srt", "=film.srt", "zh=", "中=film.srt"] {
        let mut command = Command::new(film::binary());
        command.args(["package", film.to_str().unwrap(), "--subtitle", wrong, "--out"]).arg(at("out"));
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{wrong}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("expected LANG=FILE"), "{wrong}");
    }
}

#[tokio::test]
async fn languages_that_are_none_or_clash_keep_ids_and_names_apart() {
    let root = tempfile::tempdir().unwrap();
    let said = "1\n00:00:01,000 --> 00:00:02,000\nx\n";
    let input =
        with_words(root.path(), &[(said, "en-3", "0"), (said, "eng", "0"), (said, "eng", "0"), (said, "a_b/..", "0")]);
    let words = root.path().join("ca.srt");
    fs::write(&words, said).unwrap();
    let packaged = package_with(&input, &root.path().join("out"), &[("ca", &words)]).await.unwrap();
    let tracks = text_tracks(&packaged.index);
    let ids: Vec<&str> = tracks.iter().map(|(id, ..)| id.as_str()).collect();
    assert_eq!(ids, ["t-en-3", "t-en", "t-en-2", "t-und", "t-ca"]);
    let names: std::collections::BTreeSet<&str> = tracks.iter().map(|(.., name)| name.as_str()).collect();
    assert_eq!(names.len(), tracks.len(), "{tracks:?}");
    assert_eq!(tracks[4].1.as_deref(), Some("ca"));
}
