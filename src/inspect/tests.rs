//! Good presentations made of our own parts, one thing broken, one finding expected.

use std::collections::BTreeMap;
use std::ops::Range;

use async_trait::async_trait;
use url::Url;

use crate::base::error::Result;
use crate::hls::build::{self, Form};
use crate::inspect::check;
use crate::inspect::report::Findings;
use crate::inspect::source::{Part, Source, unreadable};
use crate::inspect::{file, presentation, rules};
use crate::media::avc::AvcConfig;
use crate::media::cmaf::{Colour, InitMedia, SampleTiming, write_fragment_head, write_init};
use crate::media::protect::{ContentKey, Iv, Protection, encrypt_segment};
use crate::media::rendition::{
    AssetIndex, AudioIndex, AudioRole, SegmentIndex, TextIndex, TrackIndex, TrackMedia, VideoIndex, VideoRange,
};
use crate::media::time::{Ticks, Timescale};
use crate::media::timeline::Timeline;
use crate::media::webvtt::{self, Cue, CuePlace};

const SECONDS: [Ticks; 3] = [6, 6, 4];
const FPS: Ticks = 24;

/// Files by name.
#[derive(Clone)]
struct Files(BTreeMap<String, Vec<u8>>);

#[async_trait]
impl Source for Files {
    async fn read(&self, url: &Url, range: Range<u64>) -> Result<Part> {
        let name = url.path().trim_start_matches('/');
        let bytes = self.0.get(name).ok_or_else(|| unreadable(url, "it is not there"))?;
        let total_bytes = bytes.len() as u64;
        let part = &bytes[range.start.min(total_bytes) as usize..range.end.min(total_bytes) as usize];
        Ok(Part { bytes: part.to_vec().into(), total_bytes, content_type: None })
    }
}

/// The bytes of a track and its index.
fn track(id: &str, media: TrackMedia, init: &InitMedia, scale: u32, tick: Ticks, bytes: u32) -> (TrackIndex, Vec<u8>) {
    let timescale = Timescale::new(scale).unwrap();
    let mut file = write_init(init, timescale, None);
    let init_bytes = file.len() as u64;
    let is_video = matches!(media, TrackMedia::Video(_));
    let mut segments = Vec::new();
    let mut pts = 0;
    for seconds in SECONDS {
        let end = pts + seconds * Ticks::from(scale);
        let count = (end - pts) / tick;
        let samples: Vec<SampleTiming> = (0..count)
            .map(|n| SampleTiming { pts: pts + n * tick, bytes, is_sync: !is_video || n % (2 * FPS) == 0 })
            .collect();
        let offset = file.len() as u64;
        let head = write_fragment_head(1, &samples, end).unwrap();
        file.extend_from_slice(&head);
        let sync_bytes = if is_video { head.len() as u64 + u64::from(bytes) } else { 0 };
        file.resize(file.len() + count as usize * bytes as usize, 7);
        let duration_ticks = (end - pts) as u64;
        segments.push(SegmentIndex {
            duration_ticks,
            offset,
            bytes: file.len() as u64 - offset,
            sync_bytes,
            sync_offset: None,
        });
        pts = end;
    }
    let codec = crate::media::codec::codec_string(&file[..init_bytes as usize]).unwrap();
    let mut track = TrackIndex {
        id: id.into(),
        codec,
        timescale,
        init_bytes,
        start_ticks: 0,
        peak_bits_per_s: 0,
        average_bits_per_s: 0,
        media,
        segments,
    };
    track.measure();
    (track, file)
}

fn video(id: &str, width: u16, height: u16, bytes: u32) -> (TrackIndex, Vec<u8>) {
    let config = AvcConfig::from_extradata(&[0, 0, 1, 0x67, 0x64, 0, 0x28, 1, 0, 0, 1, 0x68, 1]).unwrap();
    let colour = Some(Colour { primaries: 1, transfer: 1, matrix: 1, full_range: false });
    let init = InitMedia::Avc { config, width, height, sample_aspect: (1, 1), colour };
    let said = VideoIndex {
        width: width.into(),
        height: height.into(),
        frame_rate_milli: 24_000,
        video_range: VideoRange::Sdr,
    };
    track(id, TrackMedia::Video(said), &init, 24_000, 1_000, bytes)
}

fn text_track() -> (TrackIndex, Vec<u8>) {
    let cue = |start_ms, end_ms, text: &str| Cue { start_ms, end_ms, place: CuePlace::Bottom, text: text.into() };
    let cues = [cue(1_000, 2_000, "one"), cue(5_000, 7_000, "two")];
    let (mut file, mut segments, mut from) = (Vec::new(), Vec::new(), 0);
    for seconds in SECONDS {
        let to = from + seconds as u64 * 1000;
        let offset = file.len() as u64;
        file.extend(webvtt::segment(&cues, from, to));
        segments.push(SegmentIndex {
            duration_ticks: to - from,
            offset,
            bytes: file.len() as u64 - offset,
            sync_bytes: 0,
            sync_offset: None,
        });
        from = to;
    }
    let said =
        TextIndex { language: Some("en".into()), name: "English".into(), is_forced: false, describes_sound: false };
    let mut track = TrackIndex {
        id: "t-en".into(),
        codec: "wvtt".into(),
        timescale: Timescale::MILLISECONDS,
        init_bytes: 0,
        start_ticks: 0,
        peak_bits_per_s: 0,
        average_bits_per_s: 0,
        media: TrackMedia::Text(said),
        segments,
    };
    track.measure();
    (track, file)
}

/// A static presentation with two rungs, sound and words.
fn good() -> Files {
    let sound = AudioIndex {
        channels: 2,
        sample_rate: 48_000,
        language: Some("en".into()),
        name: "English".into(),
        is_default: true,
        group: "stereo".into(),
        role: AudioRole::Main,
        joc_objects: None,
    };
    let aac = InitMedia::Aac { asc: vec![0x11, 0x90], channels: 2, sample_rate: 48_000, bits_per_s: 96_000 };
    let made = [
        video("v720", 1280, 720, 6_000),
        video("v360", 640, 360, 2_000),
        // 960 divides the segments of this film without a rest.
        track("a-en-2", TrackMedia::Audio(sound), &aac, 48_000, 960, 300),
        text_track(),
    ];
    let mut files = BTreeMap::new();
    let mut tracks = Vec::new();
    for (track, bytes) in made {
        files.insert(track.file_name(), bytes);
        tracks.push(track);
    }
    let index = AssetIndex::new(tracks);
    let timeline = Timeline::of_asset("", &index);
    files.insert("main.m3u8".into(), build::multivariant(&timeline, Form::Static, |_| None).to_vec());
    for track in &index.tracks {
        files.insert(
            format!("{}.m3u8", track.id),
            build::media(&timeline, &track.id, Form::Static, None).unwrap().to_vec(),
        );
        if let Some(iframes) = build::iframes(&timeline, &track.id, Form::Static, None) {
            files.insert(build::iframes_file(&track.id), iframes.to_vec());
        }
    }
    Files(files)
}

fn url(name: &str) -> Url {
    Url::parse(&format!("asset:///{name}")).unwrap()
}

async fn findings(files: &Files) -> Findings {
    let mut findings = Findings::default();
    let read = presentation::read(files, &url("main.m3u8"), &mut findings).await.unwrap();
    rules::check(&read, &mut findings);
    findings
}

fn ids(findings: &Findings) -> Vec<&'static str> {
    let mut ids: Vec<&str> = findings.list.iter().map(|finding| finding.check.id).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

impl Files {
    /// One text instead of another, in one file, once.
    fn with(&self, name: &str, from: &str, to: &str) -> Files {
        let mut files = self.clone();
        let file = files.0.get_mut(name).unwrap();
        *file = replaced(file, from.as_bytes(), to.as_bytes());
        files
    }

    fn without(&self, name: &str) -> Files {
        let mut files = self.clone();
        files.0.remove(name).unwrap();
        files
    }

    /// Bytes behind the `nth` occurrence of a box's type, overwritten.
    fn patched(&self, name: &str, kind: [u8; 4], nth: usize, behind: usize, bytes: &[u8]) -> Files {
        let mut files = self.clone();
        let file = files.0.get_mut(name).unwrap();
        let at = memchr::memmem::find_iter(file, &kind).nth(nth).unwrap() + 4 + behind;
        file[at..at + bytes.len()].copy_from_slice(bytes);
        files
    }
}

fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = memchr::memmem::find(bytes, from).unwrap_or_else(|| panic!("no {}", String::from_utf8_lossy(from)));
    [&bytes[..at], to, &bytes[at + from.len()..]].concat()
}

#[tokio::test]
async fn our_own_output_has_no_finding() {
    let findings = findings(&good()).await;
    assert!(findings.is_empty(), "{:#?}", findings.list);
}

/// One thing wrong in a good presentation: which file, what becomes what, and the one check that fails.
#[tokio::test]
async fn each_thing_wrong_is_its_own_finding() {
    let good = good();
    let main = "main.m3u8";
    let cases: &[(&str, &str, &str, &check::Check)] = &[
        (main, "AUDIO=\"stereo\"", "AUDIO=\"none\"", check::GROUP_UNKNOWN),
        (main, "DEFAULT=YES,AUTOSELECT=YES", "DEFAULT=YES,AUTOSELECT=NO", check::DEFAULT_NOT_AUTOSELECT),
        (main, "CHANNELS=\"2\"", "CHANNELS=\"2\",FORCED=NO", check::FORCED_NOT_SUBTITLES),
        (main, "LANGUAGE=\"en\",", "", check::LANGUAGE_MISSING),
        (main, "LANGUAGE=\"en\"", "LANGUAGE=\"english language\"", check::LANGUAGE_INVALID),
        (main, "CHANNELS=\"2\",", "", check::CHANNELS_MISSING),
        (main, "CHANNELS=\"2\"", "CHANNELS=\"6\"", check::CHANNELS_WRONG),
        (main, "CODECS=\"avc1.640028,mp4a.40.2\",", "", check::CODECS_MISSING),
        (main, "avc1.640028,mp4a.40.2", "avc1.64001F,mp4a.40.2", check::CODECS_WRONG),
        (main, "avc1.640028,mp4a.40.2", "avc1.640028,mp4a.40.2,ac-3", check::CODECS_WRONG),
        (main, "RESOLUTION=1280x720,", "", check::RESOLUTION_MISSING),
        (main, "RESOLUTION=1280x720", "RESOLUTION=1280x536", check::RESOLUTION_WRONG),
        (main, "FRAME-RATE=24.000,", "", check::FRAME_RATE_MISSING),
        (main, "FRAME-RATE=24.000", "FRAME-RATE=30.000", check::FRAME_RATE_WRONG),
        (main, "VIDEO-RANGE=SDR", "VIDEO-RANGE=PQ", check::VIDEO_RANGE_WRONG),
        (main, "INF:BANDWIDTH=1", "INF:BANDWIDTH=2", check::BANDWIDTH_WRONG),
        (main, "AVERAGE-BANDWIDTH=1", "AVERAGE-BANDWIDTH=2", check::AVERAGE_BANDWIDTH_WRONG),
        (main, "AVERAGE-BANDWIDTH=1", "X-BANDWIDTH=1", check::AVERAGE_BANDWIDTH_MISSING),
        (main, "CODECS=\"avc1", "SCORE=1.0,CODECS=\"avc1", check::SCORE_PARTIAL),
        (main, "CLOSED-CAPTIONS=NONE,", "", check::CLOSED_CAPTIONS_PARTIAL),
        (main, "STABLE-VARIANT-ID=\"v", "STABLE-VARIANT-ID=\"v ", check::STABLE_ID_INVALID),
        (main, "-iframes.m3u8\"", ".m3u8\"", check::IFRAMES_ONLY_MISSING),
        ("v720.m3u8", "#EXT-X-TARGETDURATION:6\n", "", check::TARGET_DURATION_MISSING),
        ("v720.m3u8", "TARGETDURATION:6", "TARGETDURATION:8", check::TARGET_DURATION_DIFFERS),
        ("t-en.m3u8", "TARGETDURATION:6", "TARGETDURATION:5", check::TARGET_DURATION_EXCEEDED),
        ("v720.m3u8", "#EXTINF:6.000000", "#EXTINF:6.043000", check::EXTINF_WRONG),
        ("v720.m3u8", "#EXT-X-PLAYLIST-TYPE:VOD\n", "", check::PLAYLIST_TYPE_MISSING),
        ("v720.m3u8", "#EXT-X-ENDLIST\n", "", check::ENDLIST_MISSING),
        ("v720.m3u8", "720.mp4\",B", "721.mp4\",B", check::RESOURCE_UNREADABLE),
        ("t-en.vtt", "WEBVTT", "WEBTXT", check::WEBVTT_HEADER),
        ("t-en.vtt", "X-TIMESTAMP-MAP", "X-TIMESTAMP-MOP", check::TIMESTAMP_MAP_MISSING),
        ("t-en.vtt", "MPEGTS:0", "MPEGTS:x", check::TIMESTAMP_MAP_WRONG),
        ("t-en.vtt", "00:00:02.000", "00:00:00.500", check::CUE_INVALID),
        ("t-en.vtt", "00:00:01.000 --> 00:00:02.000", "00:01:01.000 --> 00:01:02.000", check::CUE_OUTSIDE),
        ("v720.mp4", "iso6\0\0\0\0iso6cmfccmf2", "isom\0\0\0\0isomisommp42", check::INIT_BRAND_MISSING),
        ("v720.mp4", "mvex", "free", check::INIT_SEGMENT_WRONG),
        ("v720.mp4", "avcC", "free", check::SAMPLE_ENTRY_WRONG),
        ("v720.mp4", "moof", "free", check::SEGMENT_WRONG),
    ];
    for (name, from, to, check) in cases {
        let found = findings(&good.with(name, from, to)).await;
        assert_eq!(ids(&found), [check.id], "{from} -> {to} in {name}: {:#?}", found.list);
        assert!(found.list[0].place.contains("m3u8"), "{:?}", found.list[0]);
    }
}

/// What one exchange of words cannot break.
#[tokio::test]
async fn wrong_boxes_groups_and_times_are_found() {
    let good = good();
    let text = |name: &str| String::from_utf8(good.0[name].clone()).unwrap();
    let expect = async |files: Files, check: &check::Check| {
        let found = findings(&files).await;
        assert_eq!(ids(&found), [check.id], "{:#?}", found.list);
    };
    let line = |name: &str, start: &str| {
        let text = text(name);
        text.lines().find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("no {start}")).to_owned()
    };
    // A rendition beside the first.
    let media = line("main.m3u8", "#EXT-X-MEDIA:TYPE=AUDIO");
    let second = |change: &[(&str, &str)]| {
        let other = change.iter().fold(media.clone(), |line, (from, to)| line.replacen(from, to, 1));
        good.with("main.m3u8", &media, &format!("{media}\n{other}"))
    };
    let (french, name, no) = (("\"en\"", "\"fr\""), ("NAME=\"English\"", "NAME=\"x\""), ("DEFAULT=YES", "DEFAULT=NO"));
    expect(second(&[french, no]), check::GROUP_NAME_DUPLICATE).await;
    expect(second(&[french, name]), check::GROUP_DEFAULT_DUPLICATE).await;
    expect(second(&[name, no]), check::AUTOSELECT_AMBIGUOUS).await;
    // Without I-frame playlists, and with one whose ranges are too long or begin in mid-film.
    let bare: String = text("main.m3u8")
        .lines()
        .filter(|line| !line.contains("I-FRAME"))
        .fold(String::new(), |all, line| all + line + "\n");
    let mut files = good.clone();
    files.0.insert("main.m3u8".into(), bare.into_bytes());
    expect(files, check::IFRAMES_MISSING).await;
    let range = line("v720-iframes.m3u8", "#EXT-X-BYTERANGE");
    let (len, offset) = range.trim_start_matches("#EXT-X-BYTERANGE:").split_once('@').unwrap();
    let longer = format!("#EXT-X-BYTERANGE:{}@{offset}", len.parse::<u32>().unwrap() + 100);
    expect(good.with("v720-iframes.m3u8", &range, &longer), check::IFRAME_NOT_SINGLE).await;
    // Independence that is not said, or not true.
    let mut files = good.with("main.m3u8", "#EXT-X-INDEPENDENT-SEGMENTS\n", "");
    files = files.with("v720.m3u8", "#EXT-X-INDEPENDENT-SEGMENTS\n", "");
    expect(files.clone(), check::INDEPENDENT_SEGMENTS_MISSING).await;
    // The flags of the first sample of the second trun stand 16 bytes behind its head.
    let not_sync = [1, 1, 0, 0];
    let dependent = good.patched("v720.mp4", *b"trun", 1, 20, &not_sync).without("v720-iframes.m3u8");
    let dependent = ids(&findings(&dependent).await);
    assert_eq!(dependent, ["INDEPENDENT_SEGMENTS_FALSE", "RESOURCE_UNREADABLE"]);
    let unsaid = files.patched("v720.mp4", *b"trun", 1, 20, &not_sync);
    assert!(ids(&findings(&unsaid).await).contains(&"SEGMENT_NOT_SYNC"));
    // Boxes.
    expect_contains(&good.patched("v720.mp4", *b"tfhd", 0, 0, &[0, 0, 0, 0]), "BASE_NOT_MOOF").await;
    expect_contains(&good.with("v720.mp4", "tfdt", "free"), "TFDT_MISSING").await;
    expect_contains(&good.patched("a-en-2.mp4", *b"trun", 0, 8, &[0, 0xff, 0, 0]), "SAMPLE_DATA_OUTSIDE").await;
    // Time: one segment later by a second, one rung on another grid, one playlist shorter.
    let later = good.patched("a-en-2.mp4", *b"tfdt", 1, 8, &(7_u32 * 48_000).to_be_bytes());
    assert_eq!(ids(&findings(&later).await), ["SEGMENT_TIME_GAP", "SEGMENT_TIME_WRONG"]);
    let other_grid = good.patched("v360.mp4", *b"tfdt", 1, 8, &(6_u32 * 24_000 + 500).to_be_bytes());
    assert!(ids(&findings(&other_grid).await).contains(&"BOUNDARIES_DIFFER"));
    let last = text("t-en.m3u8");
    let cut = last.rfind("#EXTINF").unwrap();
    let shorter = format!("{}#EXT-X-ENDLIST\n", &last[..cut]);
    expect(good.with("t-en.m3u8", &last, &shorter), check::LENGTH_DIFFERS).await;
    // The cue that reaches into the second segment is not in there: another one is.
    let words = String::from_utf8(good.0["t-en.vtt"].clone()).unwrap();
    let at = words.rfind("two").unwrap();
    let other = format!("{}owt{}", &words[..at], &words[at + 3..]);
    expect(good.with("t-en.vtt", &words, &other), check::CUE_MISSING).await;
    // A range beyond its file, and a playlist without its map.
    let range = text("a-en-2.m3u8").lines().rfind(|line| line.starts_with("#EXT-X-BYTERANGE")).unwrap().to_owned();
    let (_, offset) = range.split_once('@').unwrap();
    expect_contains(
        &good.with("a-en-2.m3u8", &range, &format!("#EXT-X-BYTERANGE:99999999@{offset}")),
        "BYTERANGE_OUTSIDE",
    )
    .await;
    let map = line("v720.m3u8", "#EXT-X-MAP");
    expect_contains(&good.with("v720.m3u8", &format!("{map}\n"), ""), "MAP_MISSING").await;
}

async fn expect_contains(files: &Files, id: &str) {
    let found = findings(files).await;
    assert!(ids(&found).contains(&id), "{id}: {:#?}", found.list);
}

/// The first rung with each segment a sealed file of its own.
fn sealed(iv: &str) -> (Files, Protection) {
    let protection = Protection { key: ContentKey::from_bytes([7; 16]), iv: Iv::from_bytes([9; 16]) };
    let mut files = good();
    let playlist = String::from_utf8(files.0["v720.m3u8"].clone()).unwrap();
    let mut lines = Vec::new();
    let mut n = 0;
    for line in playlist.lines() {
        if let Some(range) = line.strip_prefix("#EXT-X-BYTERANGE:") {
            let (len, offset) = range.split_once('@').unwrap();
            let (len, offset): (usize, usize) = (len.parse().unwrap(), offset.parse().unwrap());
            let sealed = encrypt_segment(&files.0["v720.mp4"][offset..offset + len], &protection).unwrap();
            files.0.insert(format!("{n}.m4s"), sealed);
        } else if line == "v720.mp4" {
            lines.push(format!("{n}.m4s"));
            n += 1;
        } else if line.starts_with("#EXT-X-MAP") {
            lines.push(line.to_owned());
            lines.push(format!("#EXT-X-KEY:METHOD=AES-128,URI=\"key\"{iv}"));
        } else {
            lines.push(line.to_owned());
        }
    }
    files.0.insert("v720.m3u8".into(), (lines.join("\n") + "\n").into_bytes());
    files.0.insert("key".into(), vec![7; 16]);
    (files, protection)
}

#[tokio::test]
async fn sealed_segments_are_opened_when_the_key_can_be_had() {
    let (files, _) = sealed(",IV=0x09090909090909090909090909090909");
    let found = findings(&files).await;
    assert!(found.is_empty(), "{:#?}", found.list);
    let mut short = files.clone();
    short.0.insert("key".into(), vec![7; 15]);
    assert_eq!(ids(&findings(&short).await), ["KEY_INVALID"]);
    let mut wrong = files.clone();
    wrong.0.insert("key".into(), vec![8; 16]);
    assert!(ids(&findings(&wrong).await).contains(&"SEGMENT_NOT_DECRYPTABLE"));
    let mut ragged = files.clone();
    ragged.0.get_mut("1.m4s").unwrap().pop();
    assert_eq!(ids(&findings(&ragged).await), ["SEGMENT_NOT_DECRYPTABLE"]);
    let text = String::from_utf8(files.0["v720.m3u8"].clone()).unwrap();
    let key = text.lines().find(|line| line.starts_with("#EXT-X-KEY")).unwrap();
    let map = text.lines().find(|line| line.starts_with("#EXT-X-MAP")).unwrap();
    let bare = key.split(",IV").next().unwrap();
    let moved = files.with("v720.m3u8", &format!("{map}\n{key}"), &format!("{bare}\n{map}\n{key}"));
    assert!(ids(&findings(&moved).await).contains(&"MAP_IV_MISSING"));
}

async fn file_findings(bytes: Vec<u8>) -> (Result<file::FileSummary>, Findings) {
    let mut findings = Findings::default();
    let files = Files([("v.mp4".to_owned(), bytes)].into());
    (file::read(&files, &url("v.mp4"), &mut findings).await, findings)
}

#[tokio::test]
async fn a_file_is_summed_up_and_its_boxes_are_held_to_their_rules() {
    let good = good().0["v360.mp4"].clone();
    let (summary, found) = file_findings(good.clone()).await;
    let summary = summary.unwrap();
    assert!(found.is_empty(), "{:#?}", found.list);
    let track = &summary.tracks[0];
    assert_eq!((track.samples, track.sync_samples, track.fragments, track.gaps), (384, 8, 3, 0));
    assert_eq!((track.codec.as_deref(), track.first_s, track.last_s), (Some("avc1.640028"), Some(0.0), Some(16.0)));
    let kinds: Vec<&str> = summary.boxes.iter().map(|node| node.kind.as_str()).collect();
    assert_eq!(kinds, ["ftyp", "moov", "moof", "mdat", "moof", "mdat", "moof", "mdat"]);
    let break_ = |from: &[u8], to: &[u8]| replaced(&good, from, to);
    let behind = |kind: &[u8; 4], nth: usize, behind: usize, patch: &[u8]| {
        let mut bytes = good.clone();
        let at = memchr::memmem::find_iter(&bytes, kind).nth(nth).unwrap() + 4 + behind;
        bytes[at..at + patch.len()].copy_from_slice(patch);
        bytes
    };
    let cases = [
        (good[..good.len() - 9].to_vec(), check::BOX_OVERRUN),
        (break_(b"moov", b"free"), check::BOX_MISSING),
        (break_(b"hdlr", b"free"), check::BOX_MISSING),
        (behind(b"trun", 0, 4, &[0xff; 4]), check::BOX_MALFORMED),
        (good[28..].to_vec(), check::FILE_TYPE_FIRST),
        (behind(b"mdhd", 0, 12, &[0; 4]), check::TIMESCALE_ZERO),
        (behind(b"stsz", 0, 8, &[0, 0, 0, 9]), check::SAMPLE_COUNT_DIFFERS),
        (behind(b"tfdt", 1, 8, &[0, 9, 0, 0]), check::FRAGMENT_GAP),
        (break_(b"avcC", b"free"), check::SAMPLE_ENTRY_WRONG),
    ];
    for (bytes, check) in cases {
        let (_, found) = file_findings(bytes).await;
        assert!(ids(&found).contains(&check.id), "{}: {:#?}", check.id, found.list);
    }
}

/// Cut anywhere and with any bit turned, it is read without a panic, and every file that is not one is refused.
#[tokio::test]
async fn damage_never_panics() {
    let mut files = good();
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    for _ in 0..60 {
        let names: Vec<String> = files.0.keys().cloned().collect();
        let name = &names[random(names.len())];
        let whole = files.0[name].clone();
        let mut bytes = whole.clone();
        if random(3) == 0 {
            bytes.truncate(random(bytes.len()));
        } else {
            // Boxes and text stand at the beginning.
            for _ in 0..4 {
                let at = random(bytes.len().min(4_000));
                bytes[at] ^= 1 << random(8);
            }
        }
        let _ = file_findings(bytes.clone()).await;
        files.0.insert(name.clone(), bytes);
        let mut found = Findings::default();
        if let Ok(read) = presentation::read(&files, &url("main.m3u8"), &mut found).await {
            rules::check(&read, &mut found);
        }
        files.0.insert(name.clone(), whole);
    }
}
