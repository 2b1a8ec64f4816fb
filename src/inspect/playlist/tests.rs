use super::*;

fn ids(text: &str) -> Vec<&'static str> {
    let mut findings = Findings::default();
    let _ = Playlist::read(text.as_bytes(), "p", &mut findings);
    findings.list.iter().map(|finding| finding.check.id).collect()
}

const MAIN: &str = "#EXTM3U\n\
#EXT-X-INDEPENDENT-SEGMENTS\n\
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"A, b\",LANGUAGE=\"en\",CHANNELS=\"2\",URI=\"a.m3u8\"\n\
#EXT-X-STREAM-INF:BANDWIDTH=1000,RESOLUTION=640x360,FRAME-RATE=23.976,AUDIO=\"a\"\nv.m3u8\n";
const MEDIA: &str = "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:6\n#EXT-X-PLAYLIST-TYPE:VOD\n\
#EXT-X-MAP:URI=\"v.mp4\",BYTERANGE=\"700@0\"\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\",IV=0x0A\n\
#EXTINF:6.0,\n#EXT-X-BYTERANGE:100@700\nv.mp4\n#EXTINF:5.5,\n#EXT-X-BYTERANGE:50\nv.mp4\n#EXT-X-ENDLIST\n";

#[test]
fn a_sound_playlist_is_read_whole() {
    assert!(ids(MAIN).is_empty() && ids(MEDIA).is_empty());
    let Ok(Playlist::Media(media)) = Playlist::read(MEDIA.as_bytes(), "p", &mut Findings::default()) else { panic!() };
    assert_eq!((media.version, media.target_duration_s, media.has_ended), (Some(6), Some(6), true));
    assert_eq!(media.segments[1].range, Some(800..850));
    assert_eq!((media.segments[1].msn, media.segments[1].line), (1, 12));
    assert_eq!(media.maps[0].key, None, "the map stands before the key");
    assert_eq!(media.keys[0].iv.unwrap()[15], 10);
    let Ok(Playlist::Multivariant(main)) = Playlist::read(MAIN.as_bytes(), "p", &mut Findings::default()) else {
        panic!()
    };
    assert_eq!(main.renditions[0].attributes.quoted("NAME"), Some("A, b"));
    assert_eq!(main.variants[0].attributes.resolution(), Some((640, 360)));
}

/// What is changed in a sound playlist, and the one finding that comes of it.
#[test]
fn one_thing_wrong_is_one_finding() {
    let cases: &[(&str, &str, &str, &str)] = &[
        (MAIN, "#EXTM3U", "\u{feff}#EXTM3U", "PLAYLIST_ENCODING"),
        (MAIN, "A, b", "A\u{7} b", "PLAYLIST_ENCODING"),
        (MAIN, "#EXTM3U\n", "\n#EXTM3U\n", "PLAYLIST_HEADER"),
        (MAIN, "#EXT-X-MEDIA", "#EXT-X-ENDLIST\n#EXT-X-MEDIA", "PLAYLIST_MIXED"),
        (MEDIA, "#EXT-X-KEY", "#EXT-X-SESSION-KEY:METHOD=NONE\n#EXT-X-KEY", "PLAYLIST_MIXED"),
        (MEDIA, "#EXT-X-ENDLIST", "#EXT-X-ENDLIST\n#EXT-X-ENDLIST", "TAG_DUPLICATE"),
        (MAIN, "BANDWIDTH=1000,", "", "ATTRIBUTE_MISSING"),
        (MAIN, "GROUP-ID=\"a\",", "", "ATTRIBUTE_MISSING"),
        (MEDIA, "URI=\"k\",", "", "ATTRIBUTE_MISSING"),
        (MAIN, "TYPE=AUDIO", "TYPE=SOUND", "TAG_SYNTAX"),
        (MAIN, "640x360", "640", "TAG_SYNTAX"),
        (MAIN, "AUDIO=\"a\"", "AUDIO=a", "TAG_SYNTAX"),
        (MAIN, "BANDWIDTH=1000", "BANDWIDTH=1000,BANDWIDTH=1000", "TAG_SYNTAX"),
        (MAIN, "BANDWIDTH=1000", "bandWidth=1,BANDWIDTH=1000", "TAG_SYNTAX"),
        (MEDIA, "0x0A", "0x0Z", "TAG_SYNTAX"),
        (MEDIA, "#EXTINF:6.0,", "#EXTINF:six,", "TAG_SYNTAX"),
        (MEDIA, "#EXTINF:6.0,", "#EXTINF:6.0", "TAG_SYNTAX"),
        (MEDIA, ":VOD", ":LIVE", "TAG_SYNTAX"),
        (MEDIA, ":6\n#EXT-X-PL", ":6.5\n#EXT-X-PL", "TAG_SYNTAX"),
        (MEDIA, "BYTERANGE:50\n", "BYTERANGE:x\n", "TAG_SYNTAX"),
        (MAIN, "\nv.m3u8\n", "\n", "VARIANT_URI_MISSING"),
        (MEDIA, "VERSION:6", "VERSION:5", "VERSION_TOO_LOW"),
        (MEDIA, "VERSION:6", "VERSION:7", "VERSION_NOT_MINIMAL"),
        (MEDIA, "#EXTINF:5.5,\n", "", "EXTINF_MISSING"),
        (MEDIA, "100@700", "100", "BYTERANGE_BASE"),
    ];
    for (good, from, to, expected) in cases {
        assert!(good.contains(from), "{from}");
        assert_eq!(ids(&good.replacen(from, to, 1)), [*expected], "{from} -> {to}");
    }
    assert_eq!(ids("#EXTM3U\n#EXT-X-VERSION:6\n"), ["VERSION_NOT_MINIMAL"]);
    let mut invalid = MEDIA.as_bytes().to_vec();
    invalid.extend(b"# \xff\n");
    let mut findings = Findings::default();
    Playlist::read(&invalid, "p", &mut findings).unwrap();
    assert_eq!(findings.list[0].check.id, "PLAYLIST_ENCODING");
}

#[test]
fn versions_follow_what_is_used() {
    let bare = "#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXTINF:6,\na.ts\n";
    for (from, to, needed) in [
        ("EXTINF:6,", "EXTINF:6.5,", 3),
        ("#EXTINF", "#EXT-X-KEY:METHOD=AES-128,URI=\"k\",IV=0x1\n#EXTINF", 2),
        ("#EXTINF", "#EXT-X-BYTERANGE:1@0\n#EXTINF", 4),
        ("#EXTINF", "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"k\"\n#EXTINF", 5),
        ("#EXTINF", "#EXT-X-I-FRAMES-ONLY\n#EXT-X-MAP:URI=\"m\"\n#EXTINF", 5),
        ("#EXTINF", "#EXT-X-MAP:URI=\"m\"\n#EXTINF", 6),
        ("#EXTINF", "#EXT-X-DEFINE:NAME=\"a\",VALUE=\"b\"\n#EXTINF", 8),
        ("#EXTINF", "#EXT-X-SKIP:SKIPPED-SEGMENTS=1\n#EXTINF", 9),
    ] {
        let uses = bare.replacen(from, to, 1);
        assert_eq!(ids(&uses), ["VERSION_TOO_LOW"], "{to}");
        assert_eq!(
            ids(&uses.replacen("#EXTM3U", &format!("#EXTM3U\n#EXT-X-VERSION:{needed}"), 1)),
            [] as [&str; 0],
            "{to}"
        );
    }
}

#[test]
fn what_is_no_playlist_is_refused_and_nothing_panics() {
    let refused = Playlist::read(b"<html>", "p", &mut Findings::default()).unwrap_err();
    assert_eq!(refused.code(), "INSPECT_NOT_A_PLAYLIST");
    for cut in 0..MEDIA.len() {
        let _ = Playlist::read(&MEDIA.as_bytes()[..cut], "p", &mut Findings::default());
    }
    for at in 0..MEDIA.len() {
        let mut bytes = MEDIA.as_bytes().to_vec();
        bytes[at] ^= 0x15;
        let _ = Playlist::read(&bytes, "p", &mut Findings::default());
    }
}
