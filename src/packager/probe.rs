//! Opens the film through the one descriptor the worker has, with the demuxers and decoders of the allow-list, and says
//! what is in it. What is not handled right yet is refused here, in a fixed order, each with its reason.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use ffmpeg_next::codec::{self, Id};
use ffmpeg_next::format::context::{Input, StreamIo};
use ffmpeg_next::format::{self, Pixel, stream::Disposition};
use ffmpeg_next::{Dictionary, Error as LibavError, Stream, decoder, media};

use crate::base::error::Result;
use crate::base::limits;
use crate::catalog::asset::{SourceSummary, SourceTrack, TrackKind};
use crate::media::avc::AvcConfig;
use crate::media::captions::Coding;
use crate::media::cmaf::Colour;
use crate::media::isobmff::{BoxHeader, BoxSize, Reader};
use crate::media::rendition::AudioRole;
use crate::media::webvtt::Cue;
use crate::packager::audio_file::AudioFile;
use crate::packager::captions::CaptionSource;
use crate::packager::chapters::{self, SaidChapter};
use crate::packager::hdr::{self, Hdr};
use crate::packager::libav::{self, StreamFacts};
use crate::packager::refusal::Refusal;
use crate::packager::scan::Origin;
use crate::packager::subtitle;

/// libav's names of what may be opened; everything else that Debian's build can do is out of reach of a film.
const DEMUXERS: &str = "mov,matroska,webm,mpegts";
pub const DECODERS: &str = "h264,hevc,av1,libdav1d,vp8,vp9,mpeg2video,mpeg4,prores,dnxhd,\
    aac,ac3,eac3,mp3,mp3float,opus,vorbis,flac,alac,pcm_s16le,pcm_s16be,pcm_s24le,pcm_s24be,pcm_s32le,pcm_f32le,\
    subrip,srt,ass,ssa,webvtt,mov_text,text";
const READ_BYTES: usize = 256 * 1024;

/// An opened film.
pub struct Source {
    /// As the container says it, in microseconds; 0 when it does not.
    pub duration_us: i64,
    pub video: VideoSource,
    /// At most [`limits::AUDIO_TRACKS_MAX`] of the film itself, and as many files beside it.
    pub audio: Vec<AudioSource>,
    /// At most [`limits::TEXT_TRACKS_MAX`] of the film itself, as many files beside it, and from the scan on captions.
    pub text: Vec<TextSource>,
    /// The picture track and those of captions, where there can be any.
    pub captions: Vec<CaptionSource>,
    pub chapters: Vec<SaidChapter>,
    pub container: Container,
    pub warnings: Vec<String>,
}

impl Source {
    /// What was found, for people.
    pub fn summary(&self) -> SourceSummary {
        let video = &self.video;
        let (width, height) = video.displayed();
        let rate = Some(video.said_frame_rate_milli).filter(|rate| *rate > 0);
        let picture = SourceTrack {
            width: Some(width),
            height: Some(height),
            frame_rate_milli: rate,
            ..SourceTrack::bare(TrackKind::Video, video.codec.name())
        };
        let sound = self.audio.iter().map(|audio| SourceTrack {
            channels: Some(audio.channels),
            sample_rate: Some(audio.sample_rate),
            language: audio.language.clone(),
            ..SourceTrack::bare(TrackKind::Audio, audio.codec.name())
        });
        let words = self.text.iter().map(|text| SourceTrack {
            language: text.language.clone(),
            ..SourceTrack::bare(TrackKind::Text, text.codec.name())
        });
        SourceSummary {
            name: String::new(),
            container: self.container.as_str().to_owned(),
            duration_ms: Some(self.duration_us / 1000).filter(|ms| *ms > 0),
            size_bytes: 0,
            tracks: std::iter::once(picture).chain(sound).chain(words).collect(),
        }
    }
}

impl Container {
    fn as_str(self) -> &'static str {
        match self {
            Container::IsoBmff => "mp4",
            Container::Matroska => "matroska",
            Container::MpegTs => "mpegts",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Container {
    IsoBmff,
    Matroska,
    MpegTs,
}

#[derive(Clone, Debug)]
pub struct VideoSource {
    pub stream: usize,
    pub time_base: TimeBase,
    pub codec: Id,
    pub pixel: Pixel,
    pub width: u32,
    pub height: u32,
    pub sample_aspect: (u32, u32),
    /// As the container says it, until the scan has seen what the decoder says.
    pub colour: Colour,
    /// Known from the scan on: only a decoded picture tells for sure.
    pub hdr: Option<Hdr>,
    /// To be flipped left to right, before it is turned.
    pub is_mirrored: bool,
    /// Clockwise: 0, 90, 180 or 270.
    pub rotation: u32,
    pub is_interlaced: bool,
    /// Thousandths of a frame per second; 0 when not said.
    pub said_frame_rate_milli: u32,
    /// NAL units lie behind start codes rather than lengths.
    pub has_start_codes: bool,
    /// H.264 only.
    pub avc: Option<AvcConfig>,
}

#[derive(Clone, Debug)]
pub struct AudioSource {
    pub stream: usize,
    pub time_base: TimeBase,
    pub codec: Id,
    pub channels: u32,
    pub sample_rate: u32,
    /// ISO 639, as the container has it.
    pub language: Option<String>,
    pub title: Option<String>,
    pub is_default: bool,
    pub role: AudioRole,
    pub extradata: Vec<u8>,
    /// The file it is in, where that is not the film.
    pub beside: Option<Arc<AudioFile>>,
}

impl AudioSource {
    /// What becomes 0, where it is `of_film` in the film.
    pub fn origin(&self, of_film: Origin) -> Origin {
        self.beside.as_ref().map_or(of_film, |beside| beside.origin)
    }

    /// Whether packets of this stream of the film belong to it.
    pub fn is_of_film(&self, stream: usize) -> bool {
        self.beside.is_none() && self.stream == stream
    }
}

/// Where the words are.
#[derive(Clone, Debug)]
pub enum TextPlace {
    /// A stream of the film.
    Stream(usize),
    /// A file of their own, by its name, in UTF-8. Its times count from the first picture.
    File { name: String, text: Vec<u8> },
    /// Found by the scan, and read already.
    Captions(Vec<Cue>),
}

/// A track of words.
#[derive(Clone, Debug)]
pub struct TextSource {
    pub place: TextPlace,
    pub time_base: TimeBase,
    pub codec: Id,
    /// ISO 639, as the container has it.
    pub language: Option<String>,
    pub title: Option<String>,
    pub is_forced: bool,
    /// For who cannot hear.
    pub describes_sound: bool,
}

/// Seconds in one unit of a stream's timestamps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeBase {
    pub num: i64,
    pub den: i64,
}

impl VideoSource {
    /// The size in square pixels, upright.
    pub fn displayed(&self) -> (u32, u32) {
        let width = u64::from(self.width) * u64::from(self.sample_aspect.0) / u64::from(self.sample_aspect.1.max(1));
        let width = u32::try_from(width).unwrap_or(self.width).max(2);
        if self.rotation % 180 == 90 { (self.height, width) } else { (width, self.height) }
    }
}

#[cfg(test)]
impl AudioSource {
    pub fn for_test(language: &str, channels: u32) -> AudioSource {
        AudioSource {
            stream: 1,
            time_base: TimeBase { num: 1, den: 48_000 },
            codec: Id::AAC,
            channels,
            sample_rate: 48_000,
            language: Some(language.into()),
            title: None,
            is_default: false,
            role: AudioRole::Main,
            extradata: Vec::new(),
            beside: None,
        }
    }
}

/// A reader with a place of its own in a shared file, so that the film can be opened several times.
struct Cursor {
    file: File,
    at: u64,
    len: u64,
}

impl Read for Cursor {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

impl Seek for Cursor {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(offset) => i128::from(offset),
            SeekFrom::Current(by) => i128::from(self.at) + i128::from(by),
            SeekFrom::End(by) => i128::from(self.len) + i128::from(by),
        };
        self.at = u64::try_from(target).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.at)
    }
}

/// Opens `file` with libav; every call reads from the start.
pub fn demux(file: &File) -> Result<Input> {
    let (input, len) = input(file, DEMUXERS, DECODERS)?;
    input.map_err(|error| {
        if let Some(truncated) = truncated_boxes(file, len) {
            return truncated;
        }
        Refusal::InputNotAFilm
            .error("This is not a film we can open: MP4, MOV, Matroska, WebM and MPEG-TS are.")
            .with_internal(format!("libav: {error}"))
    })
}

/// `file`, of `len` bytes, as libav opens it with nothing but these demuxers and decoders.
pub fn input(file: &File, demuxers: &str, decoders: &str) -> Result<(std::result::Result<Input, LibavError>, u64)> {
    let reading = |error: io::Error| Refusal::InputUnreadable.error("The file cannot be read.").with_source(error);
    let len = file.metadata().map_err(reading)?.len();
    let cursor = Cursor { file: file.try_clone().map_err(reading)?, at: 0, len };
    let io = StreamIo::from_read_seek_with_capacity(cursor, READ_BYTES).map_err(libav::fault("opening the file"))?;
    let mut options = Dictionary::new();
    options.set("format_whitelist", demuxers);
    options.set("codec_whitelist", decoders);
    Ok((format::input_from_stream(io, None, Some(options)), len))
}

/// Opens the film with libav and looks at its streams.
pub fn open(file: &File) -> Result<(Input, Source)> {
    let input = demux(file)?;
    let container = match input.format().name() {
        name if name.contains("mp4") => Container::IsoBmff,
        name if name.contains("matroska") => Container::Matroska,
        _ => Container::MpegTs,
    };
    if input.nb_streams() as usize > limits::FILM_STREAMS_MAX {
        return Err(
            Refusal::InputTooLarge.error(format!("The film has more than {} streams.", limits::FILM_STREAMS_MAX))
        );
    }
    let Some(stream) = input.streams().find(is_film) else {
        return Err(Refusal::InputNoVideo.error("There is no picture in this file, so there is no film to sell."));
    };
    let video = video_source(&stream)?;
    let mut warnings = Vec::new();
    let mut audio = Vec::new();
    for stream in input.streams() {
        if stream.parameters().medium() == media::Type::Audio {
            if audio.len() == limits::AUDIO_TRACKS_MAX {
                warnings.push(format!("Only the first {} audio tracks are kept.", limits::AUDIO_TRACKS_MAX));
                break;
            }
            if let Some(source) = audio_source(&stream)? {
                audio.push(source);
            }
        }
    }
    let text = text_sources(&input, &mut warnings);
    let captions = input.streams().filter_map(|stream| caption_source(&stream, &video)).collect();
    let chapters = chapters::said(&input);
    let index_end = input.streams().map(|stream| libav::stream_facts(&stream).index_end).max().unwrap_or(0);
    let len = file.metadata().map_or(0, |meta| meta.len());
    if container == Container::IsoBmff && index_end > len {
        return Err(Refusal::InputTruncated.error(format!(
            "The film is cut off: its index reaches to byte {index_end}, the file ends at {len}. Copy it again."
        )));
    }
    let duration_us = input.duration().max(0);
    Ok((input, Source { duration_us, video, audio, text, captions, chapters, container, warnings }))
}

/// A picture track that is not a cover image.
fn is_film(stream: &Stream<'_>) -> bool {
    stream.parameters().medium() == media::Type::Video && !stream.disposition().contains(Disposition::ATTACHED_PIC)
}

fn unsupported(what: impl std::fmt::Display) -> crate::base::error::Error {
    Refusal::InputUnsupported.error(format!("{what}; that is not handled yet."))
}

fn video_source(stream: &Stream<'_>) -> Result<VideoSource> {
    let facts = libav::stream_facts(stream);
    let StreamFacts { width, height, .. } = facts;
    let codec = stream.parameters().id();
    if width == 0 || height == 0 {
        return Err(Refusal::InputDamaged.error("The picture track does not say how large the picture is."));
    }
    if width > limits::VIDEO_WIDTH_MAX
        || height > limits::VIDEO_HEIGHT_MAX
        || u64::from(width) * u64::from(height) > limits::VIDEO_PIXELS_MAX
    {
        return Err(Refusal::InputTooLarge.error(format!(
            "The picture is {width}×{height}; at most {}×{} is accepted.",
            limits::VIDEO_WIDTH_MAX,
            limits::VIDEO_HEIGHT_MAX
        )));
    }
    let rate = stream.avg_frame_rate();
    let said_frame_rate = if rate.denominator() > 0 { f64::from(rate) * 1000.0 } else { 0.0 };
    let pixel = open_decoder(stream)?.video().map_err(|error| no_decoder(codec, error))?.format();
    let dolby_vision = stream.side_data().find(|data| data.kind() == codec::packet::side_data::Type::DOVI_CONF);
    if dolby_vision.is_some_and(|data| hdr::is_dolby_vision_alone(data.data())) {
        return Err(unsupported("The picture is Dolby Vision without a base layer for other decoders (profile 5)"));
    }
    let (horizontal, vertical) = facts.sample_aspect;
    let sample_aspect = if horizontal > 0 && vertical > 0 { (horizontal as u32, vertical as u32) } else { (1, 1) };
    if sample_aspect.0 / sample_aspect.1.max(1) > 8 || sample_aspect.1 / sample_aspect.0.max(1) > 8 {
        return Err(unsupported(format_args!("A pixel aspect ratio of {horizontal}:{vertical}")));
    }
    let (is_mirrored, rotation) = orientation(stream)?;
    Ok(VideoSource {
        stream: stream.index(),
        time_base: time_base(stream),
        codec,
        pixel,
        width,
        height,
        sample_aspect,
        colour: facts.colour,
        hdr: None,
        is_mirrored,
        rotation,
        is_interlaced: facts.is_interlaced,
        said_frame_rate_milli: said_frame_rate.clamp(0.0, 1e6).round() as u32,
        has_start_codes: facts.extradata.first() != Some(&1),
        avc: if codec == Id::H264 { AvcConfig::from_extradata(&facts.extradata).ok() } else { None },
    })
}

/// `None` for an audio stream that says nothing about itself: some containers list streams that have no samples.
pub fn audio_source(stream: &Stream<'_>) -> Result<Option<AudioSource>> {
    let facts = libav::stream_facts(stream);
    if facts.channels == 0 || facts.sample_rate == 0 {
        return Ok(None);
    }
    if facts.channels > limits::AUDIO_CHANNELS_MAX {
        return Err(Refusal::InputTooLarge
            .error(format!("More than {} audio channels are not accepted.", limits::AUDIO_CHANNELS_MAX)));
    }
    let codec = stream.parameters().id();
    open_decoder(stream)?.audio().map_err(|error| no_decoder(codec, error))?;
    Ok(Some(AudioSource {
        stream: stream.index(),
        time_base: time_base(stream),
        codec,
        channels: facts.channels,
        sample_rate: facts.sample_rate,
        language: language_of(stream),
        title: title_of(stream),
        is_default: stream.disposition().contains(Disposition::DEFAULT),
        role: role(stream.disposition()),
        extradata: facts.extradata,
        beside: None,
    }))
}

/// What the container says, if it can be a tag at all.
fn language_of(stream: &Stream<'_>) -> Option<String> {
    let metadata = stream.metadata();
    let code = metadata.get("language")?;
    (code != "und" && code.len() <= limits::LANGUAGE_TAG_BYTES_MAX).then(|| code.to_owned())
}

fn title_of(stream: &Stream<'_>) -> Option<String> {
    let metadata = stream.metadata();
    Some(metadata.get("title")?.chars().take(limits::NAME_CHARS_MAX).collect())
}

fn role(disposition: Disposition) -> AudioRole {
    if disposition.contains(Disposition::VISUAL_IMPAIRED) {
        AudioRole::DescribesVideo
    } else if disposition.contains(Disposition::COMMENT) {
        AudioRole::Commentary
    } else {
        AudioRole::Main
    }
}

/// The tracks of words; those that are pictures, or in a form that nothing here reads, are left out with a warning.
fn text_sources(input: &Input, warnings: &mut Vec<String>) -> Vec<TextSource> {
    let mut text = Vec::new();
    for stream in input.streams() {
        let number = stream.index();
        // To libav these are data.
        let is_timed_text = [*b"stpp", *b"dfxp"].contains(&libav::stream_facts(&stream).tag);
        if !is_timed_text && stream.parameters().medium() != media::Type::Subtitle {
            continue;
        }
        let codec = if is_timed_text { Id::TTML } else { stream.parameters().id() };
        if codec == Id::EIA_608 {
            continue;
        }
        if !subtitle::is_text(codec) {
            let name = codec.name();
            warnings.push(format!("Track {number} is subtitles as pictures ({name}), not text; it is left out."));
            continue;
        }
        if text.len() == limits::TEXT_TRACKS_MAX {
            warnings.push(format!("Only the first {} subtitle tracks are kept.", limits::TEXT_TRACKS_MAX));
            break;
        }
        text.push(TextSource {
            place: TextPlace::Stream(number),
            time_base: time_base(&stream),
            codec,
            language: language_of(&stream),
            title: title_of(&stream),
            is_forced: stream.disposition().contains(Disposition::FORCED),
            describes_sound: stream.disposition().contains(Disposition::HEARING_IMPAIRED),
        });
    }
    text
}

/// Where captions would lie in this stream, if it is the film's picture or a track of them.
fn caption_source(stream: &Stream<'_>, video: &VideoSource) -> Option<CaptionSource> {
    let codec = stream.parameters().id();
    let is_film = stream.index() == video.stream;
    let coding = match codec {
        Id::EIA_608 => Coding::Track,
        Id::MPEG2VIDEO if is_film => Coding::Mpeg2,
        Id::H264 if is_film && video.has_start_codes => Coding::H264 { length_bytes: 0 },
        Id::H264 if is_film => Coding::H264 { length_bytes: video.avc.as_ref()?.nal_length_bytes() },
        Id::HEVC if is_film && video.has_start_codes => Coding::Hevc { length_bytes: 0 },
        // The last two bits of the 22nd byte (ISO/IEC 14496-15, 8.3.2.1.2).
        Id::HEVC if is_film => Coding::Hevc { length_bytes: (libav::stream_facts(stream).extradata.get(21)? & 3) + 1 },
        _ => return None,
    };
    let language = language_of(stream).filter(|_| !is_film);
    Some(CaptionSource { stream: stream.index(), time_base: time_base(stream), coding, language })
}

/// A decoder for the stream, by the allow-list, not opened yet.
pub fn open_decoder(stream: &Stream<'_>) -> Result<decoder::Decoder> {
    let codec = stream.parameters().id();
    let context = codec::Context::from_parameters(stream.parameters()).map_err(libav::fault("making a decoder"))?;
    let name = decoder::find(codec).map(|found| found.name().to_owned()).unwrap_or_default();
    if !DECODERS.split(',').any(|allowed| allowed.trim() == name) {
        return Err(unsupported(format_args!("The film uses the codec {codec:?}")));
    }
    let mut decoder = context.decoder();
    decoder.set_packet_time_base(stream.time_base());
    Ok(decoder)
}

fn no_decoder(codec: Id, error: ffmpeg_next::Error) -> crate::base::error::Error {
    unsupported(format_args!("The film uses the codec {codec:?}, in a form this libav cannot decode"))
        .with_internal(format!("libav: {error}"))
}

/// Seconds in one unit of the stream's timestamps.
pub fn time_base(stream: &Stream<'_>) -> TimeBase {
    let base = stream.time_base();
    TimeBase { num: i64::from(base.numerator().max(1)), den: i64::from(base.denominator().max(1)) }
}

/// What the display matrix does to the picture: whether it is flipped left to right, and the degrees clockwise that it
/// is turned by after that.
fn orientation(stream: &Stream<'_>) -> Result<(bool, u32)> {
    let matrix = stream.side_data().find(|data| data.kind() == codec::packet::side_data::Type::DisplayMatrix);
    let Some(matrix) = matrix else { return Ok((false, 0)) };
    let cells: Vec<i32> = matrix
        .data()
        .chunks_exact(4)
        .map(|cell| i32::from_ne_bytes([cell[0], cell[1], cell[2], cell[3]]).signum())
        .collect();
    let (Some(&[a, b]), Some(&[c, d])) =
        (cells.get(0..2).and_then(|pair| pair.first_chunk()), cells.get(3..5).and_then(|pair| pair.first_chunk()))
    else {
        return Ok((false, 0));
    };
    match (a, b, c, d) {
        (1, 0, 0, 1) => Ok((false, 0)),
        (0, 1, -1, 0) => Ok((false, 90)),
        (-1, 0, 0, -1) => Ok((false, 180)),
        (0, -1, 1, 0) => Ok((false, 270)),
        (-1, 0, 0, 1) => Ok((true, 0)),
        (0, -1, -1, 0) => Ok((true, 90)),
        (1, 0, 0, -1) => Ok((true, 180)),
        (0, 1, 1, 0) => Ok((true, 270)),
        _ => Err(unsupported("The picture is turned by an odd angle")),
    }
}

/// The refusal for an ISO file whose boxes run past its end before any `moov` was seen.
fn truncated_boxes(file: &File, len: u64) -> Option<crate::base::error::Error> {
    let mut at = 0;
    let mut seen = 0;
    while at < len && seen < 1_000 {
        let mut head = [0; 16];
        let read = file.read_at(&mut head, at).ok()?;
        let header = BoxHeader::read(&mut Reader::at(&head[..read], at)).ok()?;
        if seen == 0 && &header.kind != b"ftyp" || &header.kind == b"moov" {
            return None;
        }
        match header.size {
            BoxSize::Bytes(bytes) => at = at.checked_add(bytes)?,
            BoxSize::ToEnd => return None,
        }
        seen += 1;
    }
    (at > len).then(|| {
        Refusal::InputTruncated
            .error(format!("The film is cut off: its boxes reach to byte {at}, the file ends at {len}."))
    })
}
