//! The Multivariant Playlist (RFC 8216bis, 4.4.6): its renditions and its variant streams.

use crate::base::hdcp::HdcpType;
use crate::hls::tag::Tag;
use crate::media::rendition::{AudioRole, VideoRange};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MultivariantPlaylist {
    /// EXT-X-SESSION-DATA
    pub session_data: Vec<SessionData>,
    pub renditions: Vec<Rendition>,
    pub variants: Vec<VariantStream>,
    pub iframe_variants: Vec<IFrameVariant>,
}

/// EXT-X-SESSION-DATA that is a JSON file elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionData {
    /// DATA-ID
    pub id: &'static str,
    /// URI
    pub uri: String,
}

/// EXT-X-MEDIA.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendition {
    /// GROUP-ID
    pub group: String,
    /// NAME
    pub name: String,
    /// LANGUAGE, BCP 47
    pub language: String,
    /// DEFAULT
    pub is_default: bool,
    /// AUTOSELECT
    pub is_autoselect: bool,
    pub kind: RenditionKind,
    /// STABLE-RENDITION-ID
    pub stable_id: String,
    /// URI
    pub uri: String,
}

/// TYPE, and the attributes that only it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RenditionKind {
    /// CHANNELS, and CHARACTERISTICS where it is not the film's own sound.
    Audio { channels: u32, joc_objects: Option<u8>, role: AudioRole },
    /// FORCED, and CHARACTERISTICS where the words also tell of sounds.
    Subtitles { is_forced: bool, describes_sound: bool },
}

/// What a track for the deaf has (RFC 8216bis, 4.4.6.1).
const DESCRIBES_SOUND: &str =
    "public.accessibility.transcribes-spoken-dialog,public.accessibility.describes-music-and-sound";

/// What sound has that tells what is seen (same section).
const DESCRIBES_VIDEO: &str = "public.accessibility.describes-video";

/// What a commentary has: Apple's media characteristic of what goes beside the content proper.
const IS_BESIDE_THE_FILM: &str = "public.auxiliary-content";

/// EXT-X-STREAM-INF and its URI line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VariantStream {
    /// BANDWIDTH: the peak segment bit rate, audio included.
    pub peak_bits_per_s: u64,
    /// AVERAGE-BANDWIDTH
    pub average_bits_per_s: u64,
    /// CODECS
    pub codecs: Vec<String>,
    /// RESOLUTION
    pub width: u32,
    pub height: u32,
    /// FRAME-RATE, in thousandths.
    pub frame_rate_milli: u32,
    /// VIDEO-RANGE
    pub video_range: VideoRange,
    /// HDCP-LEVEL
    pub hdcp_type: Option<HdcpType>,
    /// STABLE-VARIANT-ID
    pub stable_id: String,
    /// AUDIO: a group of renditions.
    pub audio_group: Option<String>,
    /// SUBTITLES: a group of renditions.
    pub subtitle_group: Option<String>,
    pub uri: String,
}

/// EXT-X-I-FRAME-STREAM-INF.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IFrameVariant {
    /// BANDWIDTH: the peak, of sync samples alone.
    pub peak_bits_per_s: u64,
    /// CODECS
    pub codec: String,
    /// RESOLUTION
    pub width: u32,
    pub height: u32,
    /// VIDEO-RANGE
    pub video_range: VideoRange,
    /// HDCP-LEVEL
    pub hdcp_type: Option<HdcpType>,
    /// STABLE-VARIANT-ID
    pub stable_id: String,
    /// URI
    pub uri: String,
}

impl MultivariantPlaylist {
    pub fn to_text(&self) -> String {
        let mut text = String::with_capacity(256 * (self.renditions.len() + self.variants.len() + 1));
        Tag::new("EXTM3U").write(&mut text);
        // Nothing in here asks for a version above 1, which is the one that no EXT-X-VERSION means.
        Tag::new("EXT-X-INDEPENDENT-SEGMENTS").write(&mut text);
        for SessionData { id, uri } in &self.session_data {
            Tag::new("EXT-X-SESSION-DATA").quoted("DATA-ID", id).quoted("URI", uri).write(&mut text);
        }
        for rendition in &self.renditions {
            rendition.write(&mut text);
        }
        for variant in &self.variants {
            variant.write(&mut text);
        }
        for variant in &self.iframe_variants {
            variant.write(&mut text);
        }
        text
    }
}

impl Rendition {
    fn write(&self, text: &mut String) {
        let kind = match self.kind {
            RenditionKind::Audio { .. } => "AUDIO",
            RenditionKind::Subtitles { .. } => "SUBTITLES",
        };
        let tag = Tag::new("EXT-X-MEDIA")
            .plain("TYPE", kind)
            .quoted("GROUP-ID", &self.group)
            .quoted("LANGUAGE", &self.language)
            .quoted("NAME", &self.name)
            .quoted("STABLE-RENDITION-ID", &self.stable_id)
            .yes_no("DEFAULT", self.is_default)
            .yes_no("AUTOSELECT", self.is_autoselect);
        let tag = match self.kind {
            RenditionKind::Audio { channels, joc_objects, role } => {
                let channels = joc_objects.map_or_else(|| channels.to_string(), |objects| format!("{objects}/JOC"));
                let tag = tag.quoted("CHANNELS", &channels);
                match role {
                    AudioRole::Main => tag,
                    AudioRole::Commentary => tag.quoted("CHARACTERISTICS", IS_BESIDE_THE_FILM),
                    AudioRole::DescribesVideo => tag.quoted("CHARACTERISTICS", DESCRIBES_VIDEO),
                }
            }
            RenditionKind::Subtitles { is_forced, describes_sound } => {
                let tag = tag.yes_no("FORCED", is_forced);
                if describes_sound { tag.quoted("CHARACTERISTICS", DESCRIBES_SOUND) } else { tag }
            }
        };
        tag.quoted("URI", &self.uri).write(text);
    }
}

impl VariantStream {
    fn write(&self, text: &mut String) {
        let frame_rate = format!("{}.{:03}", self.frame_rate_milli / 1000, self.frame_rate_milli % 1000);
        let mut tag = Tag::new("EXT-X-STREAM-INF")
            .plain("BANDWIDTH", self.peak_bits_per_s)
            .plain("AVERAGE-BANDWIDTH", self.average_bits_per_s)
            .quoted("CODECS", &self.codecs.join(","))
            .plain("RESOLUTION", format_args!("{}x{}", self.width, self.height))
            .plain("FRAME-RATE", frame_rate)
            .plain("VIDEO-RANGE", range_name(self.video_range))
            .quoted("STABLE-VARIANT-ID", &self.stable_id)
            // What captions a picture has in it are subtitles here; a player that read both would show them twice.
            .plain("CLOSED-CAPTIONS", "NONE");
        if let Some(hdcp_type) = self.hdcp_type {
            tag = tag.plain("HDCP-LEVEL", hdcp_type.as_str());
        }
        if let Some(group) = &self.audio_group {
            tag = tag.quoted("AUDIO", group);
        }
        if let Some(group) = &self.subtitle_group {
            tag = tag.quoted("SUBTITLES", group);
        }
        tag.write(text);
        text.push_str(&self.uri);
        text.push('\n');
    }
}

impl IFrameVariant {
    fn write(&self, text: &mut String) {
        let mut tag = Tag::new("EXT-X-I-FRAME-STREAM-INF")
            .plain("BANDWIDTH", self.peak_bits_per_s)
            .quoted("CODECS", &self.codec)
            .plain("RESOLUTION", format_args!("{}x{}", self.width, self.height))
            .plain("VIDEO-RANGE", range_name(self.video_range))
            .quoted("STABLE-VARIANT-ID", &self.stable_id)
            .quoted("URI", &self.uri);
        if let Some(hdcp_type) = self.hdcp_type {
            tag = tag.plain("HDCP-LEVEL", hdcp_type.as_str());
        }
        tag.write(text);
    }
}

fn range_name(range: VideoRange) -> &'static str {
    match range {
        VideoRange::Sdr => "SDR",
        VideoRange::Hlg => "HLG",
        VideoRange::Pq => "PQ",
    }
}
