//! A film behind its card. The expected playlists are written by hand.

use super::{audio, index, text, track};
use crate::hls::build::*;
use crate::media::protect::Iv;
use crate::media::rendition::{TrackMedia, VideoIndex, VideoRange};

/// 5.005 s of picture, of sound whole frames, and no words.
fn card() -> AssetIndex {
    let video = VideoIndex { width: 1280, height: 720, frame_rate_milli: 23_976, video_range: VideoRange::Sdr };
    let mut card = AssetIndex::new(vec![
        track("v720", 24_000, &[120_120], TrackMedia::Video(video)),
        track("a-en-2", 48_000, &[240_640], audio("stereo", 2)),
        words(5_005),
    ]);
    for track in &mut card.tracks {
        for segment in &mut track.segments {
            (segment.bytes, segment.sync_bytes) = (20_000, 9_000);
        }
        track.measure();
    }
    card
}

fn film() -> AssetIndex {
    let mut film = index();
    film.tracks.truncate(2);
    for segment in &mut film.tracks[0].segments {
        segment.sync_bytes = 10_000;
    }
    film.tracks.push(words(8_175));
    film
}

fn words(milliseconds: u64) -> TrackIndex {
    let words =
        TextIndex { language: Some("en".into()), name: "English".into(), is_forced: false, describes_sound: false };
    let mut track = track("t-en", 1_000, &[milliseconds], TrackMedia::Text(words));
    (track.init_bytes, track.codec) = (0, "wvtt".into());
    track
}

fn composed(scheme: Option<ProtectionScheme>, write: impl Fn(&Timeline<'_>, Option<Sealed<'_>>) -> Bytes) -> String {
    let (card, film) = (card(), film());
    let timeline = Timeline::of_asset("ast_film", &film).behind_card("ast_card", &card);
    let key_id = "key_00000000000000000000000001".parse().unwrap();
    let iv = Iv::from_bytes(*b"\0\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f");
    let sealed = scheme.map(|scheme| Sealed { signal: Signal { scheme, key_id, iv }, key_uri: "v720/key", drm: None });
    text(write(&timeline, sealed))
}

fn picture(scheme: Option<ProtectionScheme>) -> String {
    composed(scheme, |timeline, sealed| media(timeline, "v720", Form::Served, sealed).unwrap())
}

#[test]
fn a_clear_film_follows_its_card_behind_a_discontinuity() {
    assert_eq!(
        picture(None),
        "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:8\n#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-PLAYLIST-TYPE:VOD\n\
         #EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-MAP:URI=\"../ast_card/v720/init.mp4\"\n\
         #EXTINF:5.005000,\n../ast_card/v720/0.m4s\n\
         #EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI=\"v720/init.mp4\"\n\
         #EXTINF:4.004000,\nv720/0.m4s\n#EXTINF:4.170833,\nv720/1.m4s\n#EXT-X-ENDLIST\n"
    );
}

#[test]
fn the_card_of_a_sealed_film_is_clear_and_so_is_every_map() {
    let between = |scheme| {
        let playlist = picture(Some(scheme));
        let (_, rest) = playlist.split_once("#EXT-X-INDEPENDENT-SEGMENTS\n").unwrap();
        rest.split_once("#EXTINF:4.004000").unwrap().0.to_owned()
    };
    let clear = "#EXT-X-KEY:METHOD=NONE\n#EXT-X-MAP:URI=\"../ast_card/v720/init.mp4\"\n\
                 #EXTINF:5.005000,\n../ast_card/v720/0.m4s\n\
                 #EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI=\"v720/init.mp4\"\n";
    assert_eq!(
        between(ProtectionScheme::Aes128),
        format!("{clear}#EXT-X-KEY:METHOD=AES-128,URI=\"v720/key\",IV=0x000102030405060708090A0B0C0D0E0F\n")
    );
    let cbcs = between(ProtectionScheme::Cbcs);
    let keys = cbcs.strip_prefix(clear).unwrap();
    assert!(keys.lines().all(|line| line.starts_with("#EXT-X-KEY:METHOD=SAMPLE-AES,")), "{keys}");
    assert!(keys.ends_with(
        "URI=\"v720/key\",IV=0x000102030405060708090A0B0C0D0E0F,KEYFORMAT=\"identity\",KEYFORMATVERSIONS=\"1\"\n"
    ));
}

#[test]
fn trick_play_and_words_go_the_same_way() {
    let iframes = composed(None, |timeline, sealed| iframes(timeline, "v720", Form::Served, sealed).unwrap());
    assert_eq!(
        iframes,
        "#EXTM3U\n#EXT-X-VERSION:5\n#EXT-X-TARGETDURATION:8\n#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-PLAYLIST-TYPE:VOD\n\
         #EXT-X-I-FRAMES-ONLY\n#EXT-X-MAP:URI=\"../../ast_card/v720/init.mp4\"\n\
         #EXTINF:5.005000,\n../../ast_card/v720/i0.m4s\n\
         #EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI=\"init.mp4\"\n\
         #EXTINF:4.004000,\ni0.m4s\n#EXTINF:4.170833,\ni1.m4s\n#EXT-X-ENDLIST\n"
    );
    let words = composed(Some(ProtectionScheme::Aes128), |timeline, sealed| {
        media(timeline, "t-en", Form::Served, sealed).unwrap()
    });
    let (_, segments) = words.split_once("#EXT-X-INDEPENDENT-SEGMENTS\n").unwrap();
    assert_eq!(
        segments,
        "#EXT-X-KEY:METHOD=NONE\n#EXTINF:5.005000,\n../ast_card/t-en/0.vtt\n\
         #EXT-X-DISCONTINUITY\n\
         #EXT-X-KEY:METHOD=AES-128,URI=\"v720/key\",IV=0x000102030405060708090A0B0C0D0E0F\n\
         #EXTINF:8.175000,\nt-en/0.vtt\n#EXT-X-ENDLIST\n"
    );
}

#[test]
fn the_multivariant_playlist_names_the_film_and_counts_the_card() {
    let main = composed(None, |timeline, _| multivariant(timeline, Form::Served, |_| None));
    let line = main.lines().find(|line| line.starts_with("#EXT-X-STREAM-INF")).unwrap();
    // Peak: 100 kB in 4.004 s of picture (199 801), in 4.010667 s of sound (199 469), in 8.175 s of words (97 860).
    // Average: 220 kB in 13.179833 s of picture (133 538), in 13.205333 s of sound (133 280), 120 kB in 13.18 s of words
    // (72 838).
    assert!(line.starts_with("#EXT-X-STREAM-INF:BANDWIDTH=497130,AVERAGE-BANDWIDTH=339656,"), "{line}");
    assert!(!main.contains("ast_card"), "{main}");
    assert!(main.contains("\nast_film/v720.m3u8\n") && main.contains("URI=\"ast_film/v720/iframes.m3u8\""), "{main}");
}

#[test]
fn a_track_that_the_card_lacks_is_no_track_of_the_whole() {
    let (mut card, film) = (card(), film());
    card.tracks.truncate(1);
    let timeline = Timeline::of_asset("ast_film", &film).behind_card("ast_card", &card);
    assert_eq!(media(&timeline, "a-en-2", Form::Served, None), None);
}
