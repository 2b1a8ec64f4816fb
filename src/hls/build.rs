//! Timeline in, playlist out: the one function that numbers segments.
//!
//! Two forms of the same presentation. *Static*: files beside each other, segments are byte ranges. *Served*: every URI
//! is relative to the playlist it stands in, so the token in `/play/{token}/main.m3u8` is inherited and never written.
//!
//! ```text
//! static   main.m3u8 → v720.m3u8 → v720.mp4 [byte ranges]
//! served   /play/{token}/main.m3u8 → {asset}/v720.m3u8 → v720/init.mp4, v720/{n}.m4s, v720/key
//!                                  → {asset}/v720/iframes.m3u8 → init.mp4, i{n}.m4s, key
//!                                  → {asset}/chapters.json
//!                                  → {asset}/t-en.m3u8 → t-en/{n}.vtt, t-en/key
//! ```
//!
//! Playlists stand in the folder of the film; those of a film behind its card reach the card's pieces as
//! `../{card}/v720/0.m4s`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;

use crate::base::drm_system::DrmSystem;
use crate::base::hdcp::HdcpType;
use crate::base::protection::ProtectionScheme;
use crate::hls::chapters;
use crate::hls::key_tag::KeyTag;
use crate::hls::media::{
    Extent, Key, KeyFormat, KeyMethod, MediaPlaylist, MediaSegment, Resource, Run, SegmentKind, target_s,
};
use crate::hls::multivariant::{
    IFrameVariant, MultivariantPlaylist, Rendition, RenditionKind, SessionData, VariantStream,
};
use crate::media::rendition::{AssetIndex, AudioIndex, AudioRole, Rates, SegmentIndex, TextIndex, TrackIndex};
use crate::media::seal::Signal;
use crate::media::time::Timescale;
use crate::media::timeline::{Clip, ClipKind, Timeline};

/// How URIs are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Static,
    Served,
}

/// The film's chapters, beside its playlists.
pub const CHAPTERS_FILE: &str = "chapters.json";

/// The multivariant playlist of a timeline, in the terms of its film; `hdcp_type` is what a picture may fail to play
/// without.
pub fn multivariant(timeline: &Timeline<'_>, form: Form, hdcp_type: impl Fn(&TrackIndex) -> Option<HdcpType>) -> Bytes {
    let (session_data, renditions, variants, iframe_variants) = timeline.film().map_or_else(Default::default, |film| {
        let uri = |track: &TrackIndex| match form {
            Form::Static => format!("{}.m3u8", track.id),
            Form::Served => format!("{}/{}.m3u8", film.asset, track.id),
        };
        let iframes_uri = |track: &TrackIndex| match form {
            Form::Static => iframes_file(&track.id),
            Form::Served => format!("{}/{}/iframes.m3u8", film.asset, track.id),
        };
        let chapters = (!film.index.chapters.is_empty()).then(|| SessionData {
            id: chapters::DATA_ID,
            uri: match form {
                Form::Static => CHAPTERS_FILE.to_owned(),
                Form::Served => format!("{}/{CHAPTERS_FILE}", film.asset),
            },
        });
        (
            Vec::from_iter(chapters),
            renditions(film.index, &uri),
            variants(timeline, film.index, &uri, &hdcp_type),
            iframe_variants(timeline, film.index, &iframes_uri, &hdcp_type),
        )
    });
    MultivariantPlaylist { session_data, renditions, variants, iframe_variants }.to_text().into()
}

/// What seals a track, and where its key is: a URI relative to the playlist.
#[derive(Clone, Copy, Debug)]
pub struct Sealed<'a> {
    pub signal: Signal,
    pub key_uri: &'a str,
    /// Of a key that DRM systems license.
    pub drm: Option<&'a DrmTags>,
}

/// What a playlist says of a key that DRM systems license.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DrmTags {
    /// In the order of the lines.
    pub systems: Vec<(DrmSystem, KeyTag)>,
    /// The key is also handed out as it is, to ClearKey and to players that open the film themselves.
    pub hands_out_key: bool,
}

impl Sealed<'_> {
    /// Of several formats the plain one comes last: FFmpeg takes the last, whichever it is. DRM systems come first, so that
    /// a player that takes the first it has takes those.
    fn keys(&self) -> Vec<Key> {
        let Signal { scheme, key_id, iv } = self.signal;
        let identity = |method| Key { method, uri: self.key_uri.to_owned(), format: KeyFormat::Identity, iv: Some(iv) };
        match scheme {
            ProtectionScheme::Aes128 => vec![identity(KeyMethod::Aes128)],
            ProtectionScheme::Cbcs => {
                let uri = format!("data:text/plain;base64,{}", BASE64.encode(key_id.to_bytes()));
                let method = KeyMethod::SampleAes;
                let systems = self.drm.iter().flat_map(|drm| &drm.systems);
                let mut keys: Vec<Key> = systems.map(|(system, tag)| Key::of_system(*system, tag)).collect();
                if self.drm.is_none_or(|drm| drm.hands_out_key) {
                    keys.extend([Key { method, uri, format: KeyFormat::ClearKey, iv: None }, identity(method)]);
                }
                keys
            }
        }
    }
}

/// The media playlist of one track; `None` when the timeline has no such track. `sealed` is of the film.
pub fn media(timeline: &Timeline<'_>, track_id: &str, form: Form, sealed: Option<Sealed<'_>>) -> Option<Bytes> {
    let runs = timeline.track(track_id)?.into_iter().map(|(clip, track)| {
        // Beside the playlist, or in the folder of another asset.
        let folder = if clip.kind == ClipKind::Film { String::new() } else { format!("../{}/", clip.asset) };
        let init = (!track.is_text()).then(|| match form {
            Form::Static => Resource { uri: track.file_name(), range: Some(0..track.init_bytes) },
            Form::Served => Resource { uri: format!("{folder}{track_id}/init.mp4"), range: None },
        });
        let extension = if track.is_text() { "vtt" } else { "m4s" };
        let resource = |n: usize, segment: &SegmentIndex| match form {
            Form::Static => {
                Resource { uri: track.file_name(), range: Some(segment.offset..segment.offset + segment.bytes) }
            }
            Form::Served => Resource { uri: format!("{folder}{track_id}/{n}.{extension}"), range: None },
        };
        Run { init, keys: keys(clip, sealed), segments: segments(track, resource) }
    });
    let runs = runs.collect();
    let kind = SegmentKind::Whole;
    let extent = match timeline.growth {
        None => Extent::Whole,
        Some(growth) if growth.is_whole(track_id) => Extent::Grown,
        Some(_) => Extent::Growing,
    };
    let presentation_target_s = presentation_target_s(timeline);
    Some(MediaPlaylist { kind, extent, presentation_target_s, runs }.to_text().into())
}

/// The file of a track's I-frame playlist in the static form.
pub fn iframes_file(track_id: &str) -> String {
    format!("{track_id}-iframes.m3u8")
}

/// The I-frame playlist of a video track: the first sample of each segment, for as long as the segment lasts. `None` when
/// there is no such track, or its samples cannot be had alone. The static form's byte ranges hold the whole `moof`.
pub fn iframes(timeline: &Timeline<'_>, track_id: &str, form: Form, sealed: Option<Sealed<'_>>) -> Option<Bytes> {
    let tracks = iframe_tracks(timeline, track_id)?;
    let runs = tracks.into_iter().map(|(clip, track)| {
        let is_film = clip.kind == ClipKind::Film;
        let folder = if is_film { String::new() } else { format!("../../{}/{track_id}/", clip.asset) };
        let init = match form {
            Form::Static => Resource { uri: track.file_name(), range: Some(0..track.init_bytes) },
            Form::Served => Resource { uri: format!("{folder}init.mp4"), range: None },
        };
        let resource = |n: usize, segment: &SegmentIndex| match form {
            Form::Static => {
                let (uri, offset) = match segment.sync_offset {
                    Some(offset) => (track.iframes_file_name(), offset),
                    None => (track.file_name(), segment.offset),
                };
                Resource { uri, range: Some(offset..offset + segment.sync_bytes) }
            }
            Form::Served => Resource { uri: format!("{folder}i{n}.m4s"), range: None },
        };
        Run { init: Some(init), keys: keys(clip, sealed), segments: segments(track, resource) }
    });
    let runs = runs.collect();
    let (kind, extent) = (SegmentKind::SyncSample, Extent::Whole);
    let presentation_target_s = presentation_target_s(timeline);
    Some(MediaPlaylist { kind, extent, presentation_target_s, runs }.to_text().into())
}

fn keys(clip: Clip<'_>, sealed: Option<Sealed<'_>>) -> Vec<Key> {
    let sealed = sealed.filter(|_| clip.kind == ClipKind::Film);
    sealed.map(|sealed| sealed.keys()).unwrap_or_default()
}

/// The track in each clip, where each can be had by its first samples.
fn iframe_tracks<'a>(timeline: &Timeline<'a>, track_id: &str) -> Option<Vec<(Clip<'a>, &'a TrackIndex)>> {
    timeline.track(track_id).filter(|tracks| tracks.iter().all(|(_, track)| track.has_sync_bytes()))
}

fn iframe_variants(
    timeline: &Timeline<'_>,
    film: &AssetIndex,
    uri: &impl Fn(&TrackIndex) -> String,
    hdcp_type: &impl Fn(&TrackIndex) -> Option<HdcpType>,
) -> Vec<IFrameVariant> {
    let variants = film.video().filter_map(|(track, video)| {
        let tracks: Vec<_> = iframe_tracks(timeline, &track.id)?.into_iter().map(|(_, track)| track).collect();
        Some(IFrameVariant {
            peak_bits_per_s: Rates::of(&tracks, |segment| segment.sync_bytes).peak_bits_per_s,
            codec: track.codec.clone(),
            width: video.width,
            height: video.height,
            video_range: video.video_range,
            hdcp_type: hdcp_type(track),
            stable_id: format!("{}-iframes", track.id),
            uri: uri(track),
        })
    });
    variants.collect()
}

/// The target duration of the longest segment of any track in any clip, and of those that are still to come.
fn presentation_target_s(timeline: &Timeline<'_>) -> u64 {
    let longest = timeline.clips.iter().flat_map(|clip| &clip.index.tracks).flat_map(|track| {
        let microseconds = |ticks: u64| track.timescale.rescale(ticks as i64, Timescale::MICROSECONDS) as u64;
        track.segments.iter().map(move |segment| target_s(microseconds(segment.duration_ticks)))
    });
    longest.chain(timeline.growth.map(|growth| growth.target_s)).max().unwrap_or(0)
}

/// Numbers the segments of a track, from 0 within its asset. Durations are differences of rounded instants, so their
/// sum is the track's duration to the microsecond whatever the number of segments.
fn segments(track: &TrackIndex, resource: impl Fn(usize, &SegmentIndex) -> Resource) -> Vec<MediaSegment> {
    let microseconds = |ticks| track.timescale.rescale(ticks, Timescale::MICROSECONDS) as u64;
    let mut elapsed = 0;
    let mut numbered = Vec::with_capacity(track.segments.len());
    for (n, segment) in track.segments.iter().enumerate() {
        let start = microseconds(elapsed);
        elapsed += segment.duration_ticks as i64;
        numbered.push(MediaSegment { duration_us: microseconds(elapsed) - start, resource: resource(n, segment) });
    }
    numbered
}

/// The groups of the sound, in the order of their first tracks.
fn audio_groups(index: &AssetIndex) -> Vec<&str> {
    let mut groups: Vec<&str> = Vec::new();
    for (_, audio) in index.audio() {
        if !groups.contains(&audio.group.as_str()) {
            groups.push(&audio.group);
        }
    }
    groups
}

/// What a client can choose from in a group. All groups have the same members (RFC 8216bis, 4.4.6.1.1): where a group has
/// none of that name, the first track that has it stands in.
fn members<'a>(index: &'a AssetIndex, group: &str) -> Vec<(&'a TrackIndex, &'a AudioIndex)> {
    let mut members: Vec<(&TrackIndex, &AudioIndex)> = Vec::new();
    for (track, audio) in index.audio() {
        match members.iter_mut().find(|(_, other)| other.name == audio.name) {
            Some(member) if audio.group == group && member.1.group != group => *member = (track, audio),
            Some(_) => {}
            None => members.push((track, audio)),
        }
    }
    members
}

fn renditions(index: &AssetIndex, uri: &impl Fn(&TrackIndex) -> String) -> Vec<Rendition> {
    let mut renditions: Vec<Rendition> = Vec::new();
    for group in audio_groups(index) {
        for (track, audio) in members(index, group) {
            // RFC 5646's word for a language nobody has declared: players group renditions by language.
            let language = audio.language.clone().unwrap_or_else(|| "und".to_owned());
            let kind =
                RenditionKind::Audio { channels: audio.channels, joc_objects: audio.joc_objects, role: audio.role };
            // A client picks by language and, for who asks for it, by role; it picks unasked one of each.
            let is_first_of_its_kind = !renditions.iter().any(|other| {
                other.group == group
                    && other.language == language
                    && matches!(other.kind, RenditionKind::Audio { role, .. } if role == audio.role)
            });
            renditions.push(Rendition {
                group: group.to_owned(),
                name: audio.name.clone(),
                language,
                is_default: audio.is_default,
                is_autoselect: audio.is_default || (is_first_of_its_kind && audio.role != AudioRole::Commentary),
                kind,
                stable_id: track.id.clone(),
                uri: uri(track),
            });
        }
    }
    let texts: Vec<_> = index.text().collect();
    // A client picks by these; of tracks that are alike in them only the first is picked unasked.
    let traits = |text: &TextIndex| (text.language.clone(), text.is_forced, text.describes_sound);
    renditions.extend(texts.iter().enumerate().map(|(place, (track, text))| Rendition {
        group: TEXT_GROUP.to_owned(),
        name: text.name.clone(),
        language: text.language.clone().unwrap_or_else(|| "und".to_owned()),
        // Words are shown when the viewer asks for them, or, where they are forced, by the player's own rule.
        is_default: false,
        is_autoselect: !texts[..place].iter().any(|(_, other)| traits(other) == traits(text)),
        kind: RenditionKind::Subtitles { is_forced: text.is_forced, describes_sound: text.describes_sound },
        stable_id: track.id.clone(),
        uri: uri(track),
    }));
    renditions
}

/// All text tracks are one group.
const TEXT_GROUP: &str = "text";

/// Each video track once for each audio group; all of the first group (stereo) come first.
fn variants(
    timeline: &Timeline<'_>,
    film: &AssetIndex,
    uri: &impl Fn(&TrackIndex) -> String,
    hdcp_type: &impl Fn(&TrackIndex) -> Option<HdcpType>,
) -> Vec<VariantStream> {
    let mut groups: Vec<Option<&str>> = audio_groups(film).into_iter().map(Some).collect();
    if groups.is_empty() {
        groups.push(None);
    }
    let words: Vec<&TrackIndex> = film.text().map(|(track, _)| track).collect();
    let peak = |rates: Rates| rates.peak_bits_per_s;
    let average = |rates: Rates| rates.average_bits_per_s;
    let highest = |tracks: &[&TrackIndex], rate: fn(Rates) -> u64| {
        tracks.iter().map(|track| rate(rates(timeline, track))).max().unwrap_or(0)
    };
    let mut variants = Vec::new();
    for group in groups {
        let members: Vec<&TrackIndex> =
            group.map(|group| members(film, group).into_iter().map(|(track, _)| track).collect()).unwrap_or_default();
        for (track, video) in film.video() {
            let mut codecs = vec![track.codec.clone()];
            for member in &members {
                if !codecs.contains(&member.codec) {
                    codecs.push(member.codec.clone());
                }
            }
            let rates = rates(timeline, track);
            variants.push(VariantStream {
                peak_bits_per_s: rates.peak_bits_per_s + highest(&members, peak) + highest(&words, peak),
                average_bits_per_s: rates.average_bits_per_s + highest(&members, average) + highest(&words, average),
                codecs,
                width: video.width,
                height: video.height,
                frame_rate_milli: video.frame_rate_milli,
                video_range: video.video_range,
                hdcp_type: hdcp_type(track),
                stable_id: group.map_or_else(|| track.id.clone(), |group| format!("{}-{group}", track.id)),
                audio_group: group.map(str::to_owned),
                subtitle_group: film.text().next().map(|_| TEXT_GROUP.to_owned()),
                uri: uri(track),
            });
        }
    }
    variants
}

/// Of a track of the film over all clips.
fn rates(timeline: &Timeline<'_>, track: &TrackIndex) -> Rates {
    let all = timeline.track(&track.id).unwrap_or_default();
    match all.as_slice() {
        // What its index says.
        [] | [_] => Rates { peak_bits_per_s: track.peak_bits_per_s, average_bits_per_s: track.average_bits_per_s },
        _ => Rates::of(&all.iter().map(|(_, track)| *track).collect::<Vec<_>>(), |segment| segment.bytes),
    }
}

#[cfg(test)]
mod tests {
    mod composed;

    use super::*;
    use crate::media::growth::Growth;
    use crate::media::protect::Iv;
    use crate::media::rendition::{TrackMedia, VideoIndex, VideoRange};

    fn track(id: &str, scale: u32, durations: &[u64], media: TrackMedia) -> TrackIndex {
        let mut offset = 700;
        let mut segments = Vec::new();
        for &duration_ticks in durations {
            segments.push(SegmentIndex { duration_ticks, offset, bytes: 100_000, sync_bytes: 0, sync_offset: None });
            offset += 100_000;
        }
        let codec = if matches!(media, TrackMedia::Video(_)) { "avc1.64001F" } else { "mp4a.40.2" }.to_owned();
        let timescale = Timescale::new(scale).unwrap();
        let mut track = TrackIndex {
            id: id.into(),
            codec,
            timescale,
            init_bytes: 700,
            start_ticks: 0,
            peak_bits_per_s: 0,
            average_bits_per_s: 0,
            media,
            segments,
        };
        track.measure();
        track
    }

    fn audio(group: &str, channels: u32) -> TrackMedia {
        TrackMedia::Audio(AudioIndex {
            channels,
            sample_rate: 48_000,
            language: Some("en".into()),
            name: "English".into(),
            is_default: true,
            group: group.into(),
            role: AudioRole::Main,
            joc_objects: None,
        })
    }

    fn index() -> AssetIndex {
        let video = VideoIndex { width: 1280, height: 720, frame_rate_milli: 23_976, video_range: VideoRange::Sdr };
        AssetIndex::new(vec![
            track("v720", 24_000, &[96_096, 100_100], TrackMedia::Video(video)),
            track("a-en-2", 48_000, &[192_512, 200_704], audio("stereo", 2)),
            track("a-en-6", 48_000, &[192_512, 200_704], audio("surround", 6)),
        ])
    }

    fn text(bytes: Bytes) -> String {
        String::from_utf8(bytes.into()).unwrap()
    }

    #[test]
    fn the_multivariant_playlist_lists_every_variant_for_each_audio_group() {
        let index = index();
        let timeline = Timeline::of_asset("ast_1", &index);
        assert_eq!(
            text(multivariant(&timeline, Form::Served, |_| None)),
            "#EXTM3U\n\
             #EXT-X-INDEPENDENT-SEGMENTS\n\
             #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"stereo\",LANGUAGE=\"en\",NAME=\"English\",STABLE-RENDITION-ID=\"a-en-2\",DEFAULT=YES,AUTOSELECT=YES,CHANNELS=\"2\",URI=\"ast_1/a-en-2.m3u8\"\n\
             #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"surround\",LANGUAGE=\"en\",NAME=\"English\",STABLE-RENDITION-ID=\"a-en-6\",DEFAULT=YES,AUTOSELECT=YES,CHANNELS=\"6\",URI=\"ast_1/a-en-6.m3u8\"\n\
             #EXT-X-STREAM-INF:BANDWIDTH=399270,AVERAGE-BANDWIDTH=391036,CODECS=\"avc1.64001F,mp4a.40.2\",RESOLUTION=1280x720,FRAME-RATE=23.976,VIDEO-RANGE=SDR,STABLE-VARIANT-ID=\"v720-stereo\",CLOSED-CAPTIONS=NONE,AUDIO=\"stereo\"\n\
             ast_1/v720.m3u8\n\
             #EXT-X-STREAM-INF:BANDWIDTH=399270,AVERAGE-BANDWIDTH=391036,CODECS=\"avc1.64001F,mp4a.40.2\",RESOLUTION=1280x720,FRAME-RATE=23.976,VIDEO-RANGE=SDR,STABLE-VARIANT-ID=\"v720-surround\",CLOSED-CAPTIONS=NONE,AUDIO=\"surround\"\n\
             ast_1/v720.m3u8\n"
        );
    }

    #[test]
    fn a_picture_says_which_way_to_the_screen_it_needs() {
        let mut index = index();
        index.tracks[0].segments[0].sync_bytes = 1000;
        index.tracks[0].segments[1].sync_bytes = 1000;
        let of = |hdcp_type: Option<HdcpType>| {
            let playlist = text(multivariant(&Timeline::of_asset("", &index), Form::Served, |_| hdcp_type));
            let said = |line: &str| Some(line.split_once("HDCP-LEVEL=")?.1.split(',').next()?.to_owned());
            playlist.lines().filter_map(said).collect::<Vec<_>>()
        };
        assert_eq!(of(None), [] as [&str; 0]);
        assert_eq!(of(Some(HdcpType::Type0)), ["TYPE-0"; 3], "two variants and the one for seeking");
        assert_eq!(of(Some(HdcpType::Type1)), ["TYPE-1"; 3]);
    }

    #[test]
    fn every_group_has_the_same_members_and_says_what_they_are_for() {
        let of = |name: &str, group: &str, channels, role, joc_objects| {
            let TrackMedia::Audio(audio) = audio(group, channels) else { unreachable!() };
            let is_default = role == AudioRole::Main;
            TrackMedia::Audio(AudioIndex { name: name.into(), is_default, role, joc_objects, ..audio })
        };
        let mut index = index();
        index.tracks.truncate(1);
        let mut atmos = track("a-en-6", 48_000, &[192_512], of("English", "ec-3", 6, AudioRole::Main, Some(16)));
        atmos.codec = "ec-3".into();
        index.tracks.extend([
            track("a-en-2", 48_000, &[192_512], of("English", "stereo", 2, AudioRole::Main, None)),
            track("a-en-2-2", 48_000, &[192_512], of("Told", "stereo", 2, AudioRole::DescribesVideo, None)),
            track("a-en-2-3", 48_000, &[192_512], of("They", "stereo", 2, AudioRole::Commentary, None)),
            atmos,
        ]);
        let playlist = text(multivariant(&Timeline::of_asset("", &index), Form::Static, |_| None));
        let said = |group: &str| -> Vec<String> {
            let of_group = format!("#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"{group}\",LANGUAGE=\"en\",NAME=");
            playlist.lines().filter_map(|line| Some(line.strip_prefix(&of_group)?.to_owned())).collect()
        };
        let told = "\"Told\",STABLE-RENDITION-ID=\"a-en-2-2\",DEFAULT=NO,AUTOSELECT=YES,CHANNELS=\"2\",\
                    CHARACTERISTICS=\"public.accessibility.describes-video\",URI=\"a-en-2-2.m3u8\"";
        let they = "\"They\",STABLE-RENDITION-ID=\"a-en-2-3\",DEFAULT=NO,AUTOSELECT=NO,CHANNELS=\"2\",\
                    CHARACTERISTICS=\"public.auxiliary-content\",URI=\"a-en-2-3.m3u8\"";
        let english = |id: &str, channels: &str| {
            format!(
                "\"English\",STABLE-RENDITION-ID=\"{id}\",DEFAULT=YES,AUTOSELECT=YES,CHANNELS=\"{channels}\",\
                 URI=\"{id}.m3u8\""
            )
        };
        assert_eq!(said("stereo"), [english("a-en-2", "2"), told.into(), they.into()]);
        assert_eq!(said("ec-3"), [english("a-en-6", "16/JOC"), told.into(), they.into()]);
        assert!(
            playlist.contains("CODECS=\"avc1.64001F,mp4a.40.2\",")
                && playlist.contains("CODECS=\"avc1.64001F,ec-3,mp4a.40.2\",")
        );
    }

    #[test]
    fn a_served_media_playlist_maps_before_it_keys() {
        let index = index();
        let timeline = Timeline::of_asset("ast_1", &index);
        let sealed = |scheme| {
            let key_id = "key_00000000000000000000000001".parse().unwrap();
            let iv = Iv::from_bytes(*b"\0\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f");
            Some(Sealed { signal: Signal { scheme, key_id, iv }, key_uri: "v720/key", drm: None })
        };
        let playlist = |sealed| text(media(&timeline, "v720", Form::Served, sealed).unwrap());
        assert_eq!(
            playlist(sealed(ProtectionScheme::Aes128)),
            "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-PLAYLIST-TYPE:VOD\n\
             #EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-MAP:URI=\"v720/init.mp4\"\n\
             #EXT-X-KEY:METHOD=AES-128,URI=\"v720/key\",IV=0x000102030405060708090A0B0C0D0E0F\n\
             #EXTINF:4.004000,\nv720/0.m4s\n#EXTINF:4.170833,\nv720/1.m4s\n#EXT-X-ENDLIST\n"
        );
        let cbcs = playlist(sealed(ProtectionScheme::Cbcs));
        let keys = cbcs.split_once("init.mp4\"\n").unwrap().1.split_once("#EXTINF").unwrap().0;
        assert_eq!(
            keys,
            "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"data:text/plain;base64,AAAAAAAAAAAAAAAAAAAAAQ==\",\
             KEYFORMAT=\"org.w3.clearkey\",KEYFORMATVERSIONS=\"1\"\n\
             #EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"v720/key\",IV=0x000102030405060708090A0B0C0D0E0F,\
             KEYFORMAT=\"identity\",KEYFORMATVERSIONS=\"1\"\n"
        );
    }

    #[test]
    fn a_static_media_playlist_is_byte_ranges_of_one_file() {
        let index = index();
        let timeline = Timeline::of_asset("", &index);
        assert_eq!(
            text(media(&timeline, "a-en-2", Form::Static, None).unwrap()),
            "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-PLAYLIST-TYPE:VOD\n\
             #EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-MAP:URI=\"a-en-2.mp4\",BYTERANGE=\"700@0\"\n\
             #EXTINF:4.010667,\n#EXT-X-BYTERANGE:100000@700\na-en-2.mp4\n\
             #EXTINF:4.181333,\n#EXT-X-BYTERANGE:100000@100700\na-en-2.mp4\n#EXT-X-ENDLIST\n"
        );
        assert_eq!(media(&timeline, "v2160", Form::Static, None), None);
    }

    #[test]
    fn a_growing_track_is_an_event_that_begins_at_its_beginning_and_ends_when_it_is_whole() {
        let mut growth =
            Growth { index: index(), whole: vec!["a-en-2".into()], target_s: 7, film_ms: 60_000, planned: Vec::new() };
        let media = |growth: &Growth, track| {
            text(media(&Timeline::of_growth("ast_1", growth), track, Form::Served, None).unwrap())
        };
        let head = "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:7\n#EXT-X-MEDIA-SEQUENCE:0\n\
                    #EXT-X-PLAYLIST-TYPE:EVENT\n#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-START:TIME-OFFSET=0\n";
        let video = format!(
            "{head}#EXT-X-MAP:URI=\"v720/init.mp4\"\n#EXTINF:4.004000,\nv720/0.m4s\n#EXTINF:4.170833,\nv720/1.m4s\n"
        );
        assert_eq!(media(&growth, "v720"), video);
        assert!(
            media(&growth, "a-en-2").starts_with(head) && media(&growth, "a-en-2").ends_with("1.m4s\n#EXT-X-ENDLIST\n")
        );
        growth.whole.push("v720".into());
        assert_eq!(media(&growth, "v720"), format!("{video}#EXT-X-ENDLIST\n"));
    }

    #[test]
    fn rounding_does_not_add_up() {
        let index = AssetIndex::new(vec![track("a", 44_100, &[176_128; 2_000], audio("stereo", 2))]);
        let timeline = Timeline::of_asset("", &index);
        let playlist = text(media(&timeline, "a", Form::Static, None).unwrap());
        let sum_us: u64 = playlist
            .lines()
            .filter_map(|line| line.strip_prefix("#EXTINF:")?.strip_suffix(',')?.replace('.', "").parse::<u64>().ok())
            .sum();
        assert_eq!(sum_us, (176_128_u64 * 2_000 * 1_000_000 + 22_050) / 44_100);
    }

    #[test]
    fn a_film_without_audio_has_variants_without_a_group() {
        let mut index = index();
        index.tracks.truncate(1);
        let playlist = text(multivariant(&Timeline::of_asset("", &index), Form::Static, |_| None));
        assert!(
            !playlist.contains("AUDIO")
                && playlist.contains("CODECS=\"avc1.64001F\",")
                && playlist.ends_with("\nv720.m3u8\n")
        );
    }
}
