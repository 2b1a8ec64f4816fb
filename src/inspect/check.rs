//! The checks: an id, how bad it is, the clause that says so, and the rule in a sentence. `docs/conformance.md` shows the
//! same table, and a test compares them.
//!
//! RFC 8216bis is draft-pantos-hls-rfc8216bis. Apple renumbers the items of its HLS Authoring Specification from one
//! revision to the next, so of that the section is named.

use serde::Serialize;

/// One rule that can be checked from bytes.
#[derive(Debug, PartialEq, Eq)]
pub struct Check {
    /// Stable and upper-case.
    pub id: &'static str,
    pub severity: Severity,
    pub clause: &'static str,
    pub rule: &'static str,
}

/// How bad it is when a rule is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The clause says MUST, or a reader cannot go on.
    Error,
    /// The clause says SHOULD.
    Warning,
}

impl Severity {
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
        }
    }
}

macro_rules! checks {
    ($($id:ident $severity:ident $clause:literal $rule:literal)*) => {
        $(pub const $id: &Check =
            &Check { id: stringify!($id), severity: Severity::$severity, clause: $clause, rule: $rule };)*

        /// Every check there is, in the order of the documents.
        pub const ALL: &[&Check] = &[$($id),*];
    };
}

checks! {
    PLAYLIST_ENCODING Error "RFC 8216bis 4" "A playlist is UTF-8 without a byte order mark and without control characters."
    PLAYLIST_CONTENT_TYPE Error "RFC 8216bis 4" "A playlist is served as application/vnd.apple.mpegurl or audio/mpegurl."
    PLAYLIST_HEADER Error "RFC 8216bis 4.4.1.1" "The first line of a playlist is #EXTM3U."
    PLAYLIST_MIXED Error "RFC 8216bis 4.1" "A playlist is either a Multivariant Playlist or a Media Playlist; no tag of the other kind is in it."
    TAG_SYNTAX Error "RFC 8216bis 4.2" "The value of a tag has the form that the tag asks for."
    TAG_DUPLICATE Error "RFC 8216bis 4.4" "A tag that may appear once in a playlist appears once."
    ATTRIBUTE_MISSING Error "RFC 8216bis 4.4" "Attributes that a tag requires are there."
    VERSION_TOO_LOW Error "RFC 8216bis 8" "EXT-X-VERSION is at least what the features in use need."
    VERSION_NOT_MINIMAL Warning "RFC 8216bis 8" "EXT-X-VERSION is not higher than what the features in use need."

    VARIANT_URI_MISSING Error "RFC 8216bis 4.4.6.2" "A URI line follows each EXT-X-STREAM-INF."
    GROUP_UNKNOWN Error "RFC 8216bis 4.4.6.2" "A group that a variant names exists, with renditions of that type."
    GROUP_NAME_DUPLICATE Error "RFC 8216bis 4.4.6.1.1" "The renditions of a group have different NAMEs."
    GROUP_DEFAULT_DUPLICATE Error "RFC 8216bis 4.4.6.1.1" "A group has at most one rendition with DEFAULT=YES."
    DEFAULT_NOT_AUTOSELECT Error "RFC 8216bis 4.4.6.1" "A rendition with DEFAULT=YES does not say AUTOSELECT=NO."
    AUTOSELECT_AMBIGUOUS Warning "RFC 8216bis 4.4.6.1.1" "The renditions of a group with AUTOSELECT=YES differ in LANGUAGE, ASSOC-LANGUAGE, FORCED, CHARACTERISTICS or CHANNELS."
    FORCED_NOT_SUBTITLES Error "RFC 8216bis 4.4.6.1" "Only subtitles say FORCED."
    LANGUAGE_MISSING Warning "Apple HLS Authoring, Multivariant Playlist" "Audio and subtitle renditions say their LANGUAGE."
    LANGUAGE_INVALID Error "RFC 8216bis 4.4.6.1" "LANGUAGE is a language tag of RFC 5646."
    CHANNELS_MISSING Warning "RFC 8216bis 4.4.6.1" "Audio renditions say CHANNELS."
    CHANNELS_WRONG Error "RFC 8216bis 4.4.6.1" "CHANNELS is the number of channels of the audio."
    CODECS_MISSING Warning "RFC 8216bis 4.4.6.2" "Every variant says CODECS."
    CODECS_WRONG Error "RFC 8216bis 4.4.6.2" "CODECS names every format in the variant and its groups, and no other."
    RESOLUTION_MISSING Warning "RFC 8216bis 4.4.6.2" "A variant with video says RESOLUTION."
    RESOLUTION_WRONG Error "RFC 8216bis 4.4.6.2" "RESOLUTION is the size at which the video is shown."
    FRAME_RATE_MISSING Warning "Apple HLS Authoring, Multivariant Playlist" "A variant with video says FRAME-RATE."
    FRAME_RATE_WRONG Error "RFC 8216bis 4.4.6.2" "FRAME-RATE is the highest frame rate of the video."
    VIDEO_RANGE_WRONG Error "RFC 8216bis 4.4.6.2" "VIDEO-RANGE follows the transfer function of the video; without it the video is SDR."
    BANDWIDTH_WRONG Error "RFC 8216bis 4.4.6.2; Apple HLS Authoring, Multivariant Playlist" "BANDWIDTH is within 10 % of the measured peak segment bit rate."
    AVERAGE_BANDWIDTH_MISSING Warning "Apple HLS Authoring, Multivariant Playlist" "Every variant says AVERAGE-BANDWIDTH."
    AVERAGE_BANDWIDTH_WRONG Error "RFC 8216bis 4.4.6.2; Apple HLS Authoring, Multivariant Playlist" "AVERAGE-BANDWIDTH is within 10 % of the measured average."
    SCORE_PARTIAL Warning "RFC 8216bis 4.4.6.2" "Every variant has a SCORE, or none."
    CLOSED_CAPTIONS_PARTIAL Error "RFC 8216bis 4.4.6.2" "CLOSED-CAPTIONS=NONE stands in every EXT-X-STREAM-INF, or in none."
    STABLE_ID_INVALID Error "RFC 8216bis 4.4.6.1, 4.4.6.2" "STABLE-RENDITION-ID and STABLE-VARIANT-ID hold letters, digits and + / = . - _ only."
    IFRAMES_MISSING Warning "Apple HLS Authoring, Trick Play" "A presentation with video has I-frame playlists."

    TARGET_DURATION_MISSING Error "RFC 8216bis 4.4.3.1" "A Media Playlist has EXT-X-TARGETDURATION."
    TARGET_DURATION_EXCEEDED Error "RFC 8216bis 4.4.3.1" "Each EXTINF, rounded to the nearest second, is at most the target duration."
    TARGET_DURATION_DIFFERS Error "RFC 8216bis 6.2.4" "The Media Playlists of a presentation have the same target duration, except subtitles and I-frame playlists of VOD."
    EXTINF_MISSING Error "RFC 8216bis 4.4.4.1" "Each segment has an EXTINF."
    EXTINF_WRONG Error "RFC 8216bis 4.4.4.1" "EXTINF is the duration of the segment's samples, to within one sample, and so is their sum."
    INDEPENDENT_SEGMENTS_MISSING Warning "Apple HLS Authoring, Media Segmentation" "EXT-X-INDEPENDENT-SEGMENTS is in the Multivariant Playlist or in each Media Playlist of video."
    INDEPENDENT_SEGMENTS_FALSE Error "RFC 8216bis 4.4.2.1" "With EXT-X-INDEPENDENT-SEGMENTS each video segment begins with a sync sample that needs no earlier one."
    SEGMENT_NOT_SYNC Warning "Apple HLS Authoring, Media Segmentation" "Each video segment begins with a sync sample."
    PLAYLIST_TYPE_MISSING Warning "Apple HLS Authoring, Media Playlist" "A playlist that has ended says EXT-X-PLAYLIST-TYPE:VOD or EVENT."
    ENDLIST_MISSING Error "RFC 8216bis 4.4.3.5" "A playlist of type VOD ends with EXT-X-ENDLIST."
    BYTERANGE_BASE Error "RFC 8216bis 4.4.4.2" "A byte range without an offset follows another range of the same resource."
    BYTERANGE_OUTSIDE Error "RFC 8216bis 4.4.4.2" "A byte range lies in its resource."
    RESOURCE_UNREADABLE Error "RFC 8216bis 6.2.1" "What a playlist names can be read."
    KEY_INVALID Error "RFC 8216bis 5.1" "The key of METHOD=AES-128 can be read and has 16 octets."
    SEGMENT_NOT_DECRYPTABLE Error "RFC 8216bis 5.2" "A segment of METHOD=AES-128 is whole cipher blocks, and the key opens it."
    MAP_MISSING Error "RFC 8216bis 3.3" "Segments of fragmented MPEG-4 have an EXT-X-MAP."
    MAP_IV_MISSING Error "RFC 8216bis 4.4.4.5" "EXT-X-MAP behind an EXT-X-KEY of METHOD=AES-128 needs that key's IV."
    INIT_SEGMENT_WRONG Error "RFC 8216bis 3.3" "A Media Initialization Section has a File Type Box, a Movie Box with a Movie Extends Box, and no samples."
    INIT_BRAND_MISSING Error "RFC 8216bis 3.3" "The File Type Box has a compatible brand of iso6 or higher."
    SAMPLE_ENTRY_WRONG Error "ISO/IEC 14496-12, 8.5.2; 14496-15, 5.4.2" "A sample entry can be read and configures its codec."
    SEGMENT_WRONG Error "RFC 8216bis 3.3" "A segment of fragmented MPEG-4 is Movie Fragment Boxes, each with its Media Data Box."
    TFDT_MISSING Error "RFC 8216bis 3.3" "Each track fragment has a Track Fragment Base Media Decode Time Box."
    BASE_NOT_MOOF Error "RFC 8216bis 3.3" "Track fragments are addressed relative to their Movie Fragment Box."
    SAMPLE_DATA_OUTSIDE Error "ISO/IEC 14496-12, 8.8.8" "The bytes of every sample lie in the segment."
    SEGMENT_TIME_GAP Error "ISO/IEC 23000-19, 7.3.2.3; RFC 8216bis 3.3" "A segment begins where the one before it ends."
    SEGMENT_TIME_WRONG Error "RFC 8216bis 4.4.4.1, 6.2.4" "A segment's presentation time is its time in the playlist, equally shifted for the whole presentation."
    BOUNDARIES_DIFFER Error "RFC 8216bis 6.2.4; ISO/IEC 23000-19, 7.3.4" "The segments of all variants begin at the same instants."
    LENGTH_DIFFERS Error "RFC 8216bis 6.2.4" "All Media Playlists of a presentation last equally long, to within a second."
    IFRAMES_ONLY_MISSING Error "RFC 8216bis 4.4.6.3" "The playlist of an EXT-X-I-FRAME-STREAM-INF says EXT-X-I-FRAMES-ONLY."
    IFRAME_NOT_SINGLE Error "RFC 8216bis 4.4.3.6" "Each segment of an I-frame playlist holds one sync sample and nothing of another sample."

    WEBVTT_HEADER Error "RFC 8216bis 3.5" "A WebVTT segment begins with a WebVTT header."
    TIMESTAMP_MAP_MISSING Warning "RFC 8216bis 3.5" "A WebVTT segment's header has X-TIMESTAMP-MAP."
    TIMESTAMP_MAP_WRONG Error "RFC 8216bis 3.5" "X-TIMESTAMP-MAP has one LOCAL and one MPEGTS."
    CUE_INVALID Error "WebVTT 4.1; RFC 8216bis 3.5" "A cue's timings can be read, and it ends after it begins."
    CUE_OUTSIDE Error "RFC 8216bis 3.5" "A cue touches the segment that it stands in."
    CUE_MISSING Error "RFC 8216bis 3.5" "A cue stands in every segment that it touches."

    BOX_OVERRUN Error "ISO/IEC 14496-12, 4.2" "A box lies in its parent, and in the file."
    BOX_MISSING Error "ISO/IEC 14496-12, 6.2.3" "Boxes that every file or track has are there."
    BOX_MALFORMED Error "ISO/IEC 14496-12, 8" "The fields of a box can be read."
    FILE_TYPE_FIRST Warning "ISO/IEC 14496-12, 4.3.1" "The File Type Box is the first of a file."
    TIMESCALE_ZERO Error "ISO/IEC 14496-12, 8.4.2" "A timescale is not zero."
    SAMPLE_COUNT_DIFFERS Error "ISO/IEC 14496-12, 8.6.1.2, 8.7.3" "The sample tables of a track describe equally many samples."
    SYNC_SAMPLE_ORDER Error "ISO/IEC 14496-12, 8.6.2" "The Sync Sample Box lists existing samples in ascending order."
    CHUNK_OUTSIDE Error "ISO/IEC 14496-12, 8.7.5" "Every chunk begins in the file."
    FRAGMENT_GAP Warning "ISO/IEC 14496-12, 8.8.12" "A track fragment begins where the one before it ends."
    CMAF_TRACKS Error "ISO/IEC 23000-19, 7.3.1" "A file with a CMAF brand has one track."
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_shows_this_table() {
        let document = include_str!("../../docs/conformance.md");
        let rows: Vec<&str> = document.lines().filter(|line| line.starts_with("| `")).collect();
        let table: Vec<String> = ALL
            .iter()
            .map(|check| {
                let severity = check.severity.as_str();
                format!("| `{}` | {severity} | {} | {} |", check.id, check.clause, check.rule)
            })
            .collect();
        assert_eq!(rows.join("\n"), table.join("\n"));
    }
}
