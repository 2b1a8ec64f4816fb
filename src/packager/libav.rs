//! The few fields of libav's structures that `ffmpeg-next` does not hand out, read here and nowhere else, and libav's
//! errors as ours.

use std::ffi::CStr;

use ffmpeg_next::ffi::{
    AV_PKT_FLAG_DISCARD, AVColorPrimaries, AVColorSpace, AVColorTransferCharacteristic, AVFieldOrder, av_frame_ref,
    avformat_index_get_entries_count, avformat_index_get_entry, avsubtitle_free,
};
use ffmpeg_next::format::context::Input;
use ffmpeg_next::packet::Ref;
use ffmpeg_next::{Packet, Stream, codec, color, decoder, frame};

use crate::base::error::Error;
use crate::media::cmaf::Colour;
use crate::packager::refusal::Refusal;

/// Of the library that this process is linked to.
pub fn version() -> String {
    let packed = codec::version();
    format!("libavcodec {}.{}.{}", packed >> 16, packed >> 8 & 0xff, packed & 0xff)
}

/// Codec parameters of a stream as plain values.
#[derive(Clone, Debug)]
pub struct StreamFacts {
    pub extradata: Vec<u8>,
    pub width: u32,
    pub height: u32,
    /// Zero over anything when not said.
    pub sample_aspect: (i32, i32),
    pub is_interlaced: bool,
    pub colour: Colour,
    pub profile: i32,
    /// The container's four letters for the codec; zeros where it has none.
    pub tag: [u8; 4],
    pub channels: u32,
    pub sample_rate: u32,
    /// The byte after the last sample that the container's own index knows; 0 when it has none.
    pub index_end: u64,
}

/// Packets in a row that cannot be read and are passed over.
const UNREADABLE_MAX: usize = 100;

/// The next packet that can be read; none at the end.
pub fn next_packet(input: &mut Input) -> Result<Option<Packet>, ffmpeg_next::Error> {
    for _ in 0..UNREADABLE_MAX {
        // A packet for each read: libav overwrites what it is handed without releasing it.
        let mut packet = Packet::empty();
        match packet.read(input) {
            Ok(()) => return Ok(Some(packet)),
            Err(ffmpeg_next::Error::Eof) => return Ok(None),
            Err(ffmpeg_next::Error::InvalidData) => {}
            Err(error) => return Err(error),
        }
    }
    Err(ffmpeg_next::Error::InvalidData)
}

#[allow(unsafe_code)]
pub fn stream_facts(stream: &Stream<'_>) -> StreamFacts {
    // SAFETY: `stream` borrows its format context, which keeps the AVStream, its codec parameters and its index entries
    // alive and unchanged for the length of this call; only plain fields are read, and `extradata` is `extradata_size`
    // bytes long or null.
    unsafe {
        let raw = stream.as_ptr();
        let parameters = (*raw).codecpar;
        let extradata = if (*parameters).extradata.is_null() {
            Vec::new()
        } else {
            std::slice::from_raw_parts((*parameters).extradata, (*parameters).extradata_size.max(0) as usize).to_vec()
        };
        let own = (*raw).sample_aspect_ratio;
        let aspect = if own.num > 0 { own } else { (*parameters).sample_aspect_ratio };
        let mut index_end = 0;
        let raw_mut = raw.cast_mut();
        for place in 0..avformat_index_get_entries_count(raw) {
            let entry = avformat_index_get_entry(raw_mut, place);
            if !entry.is_null() {
                index_end = index_end.max(((*entry).pos.max(0) as u64).saturating_add((*entry).size().max(0) as u64));
            }
        }
        StreamFacts {
            extradata,
            width: (*parameters).width.max(0) as u32,
            height: (*parameters).height.max(0) as u32,
            sample_aspect: (aspect.num, aspect.den),
            is_interlaced: !matches!(
                (*parameters).field_order,
                AVFieldOrder::AV_FIELD_UNKNOWN | AVFieldOrder::AV_FIELD_PROGRESSIVE
            ),
            colour: Colour {
                primaries: (*parameters).color_primaries as u16,
                transfer: (*parameters).color_trc as u16,
                matrix: (*parameters).color_space as u16,
                full_range: (*parameters).color_range as u32 == 2,
            },
            profile: (*parameters).profile,
            tag: (*parameters).codec_tag.to_le_bytes(),
            channels: (*parameters).channels.max(0) as u32,
            sample_rate: (*parameters).sample_rate.max(0) as u32,
            index_end,
        }
    }
}

/// The colour of a decoded picture: the decoder's word, and where it has none, what was said before it.
pub fn picture_colour(picture: &frame::Video, said: Colour) -> Colour {
    let primaries = AVColorPrimaries::from(picture.color_primaries()) as u16;
    let transfer = AVColorTransferCharacteristic::from(picture.color_transfer_characteristic()) as u16;
    let matrix = AVColorSpace::from(picture.color_space()) as u16;
    // 2 is "unspecified" (ISO/IEC 23091-2).
    let or = |code: u16, said: u16| if code == 2 { said } else { code };
    Colour {
        primaries: or(primaries, said.primaries),
        transfer: or(transfer, said.transfer),
        matrix: or(matrix, said.matrix),
        full_range: match picture.color_range() {
            color::Range::Unspecified => said.full_range,
            range => range == color::Range::JPEG,
        },
    }
}

/// The parameter sets or AudioSpecificConfig that an opened encoder made.
#[allow(unsafe_code)]
pub fn encoder_extradata(context: &codec::Context) -> Vec<u8> {
    // SAFETY: `context` owns its AVCodecContext for the length of this call; `extradata` is `extradata_size` bytes long
    // or null.
    unsafe {
        let raw = context.as_ptr();
        if (*raw).extradata.is_null() {
            return Vec::new();
        }
        std::slice::from_raw_parts((*raw).extradata, (*raw).extradata_size.max(0) as usize).to_vec()
    }
}

/// The same sound once more, for a filter that takes the frame it is given. (A clone loses the samples where the decoder
/// did not say the layout.)
#[allow(unsafe_code)]
pub fn shared(sound: &frame::Audio) -> Result<frame::Audio, ffmpeg_next::Error> {
    let mut other = frame::Audio::empty();
    // SAFETY: both pointers are to AVFrames that their owners keep for the length of this call, and `other` holds nothing
    // yet; the buffers are counted references.
    match unsafe { av_frame_ref(other.as_mut_ptr(), sound.as_ptr()) } {
        0.. => Ok(other),
        error => Err(ffmpeg_next::Error::from(error)),
    }
}

/// Whether an edit list hides this packet: decoded, but not presented.
#[allow(unsafe_code)]
pub fn is_hidden(packet: &Packet) -> bool {
    // SAFETY: the pointer is to the AVPacket inside `packet`; one plain field is read.
    let flags = unsafe { (*packet.as_ptr()).flags };
    flags & AV_PKT_FLAG_DISCARD != 0
}

/// What a packet of subtitles says, in libav's lines of ASS; pictures of words say nothing.
#[allow(unsafe_code)]
pub fn ass_lines(
    decoder: &mut decoder::subtitle::Subtitle,
    packet: &Packet,
) -> Result<Vec<String>, ffmpeg_next::Error> {
    let mut said = ffmpeg_next::Subtitle::new();
    if !decoder.decode(packet, &mut said)? {
        return Ok(Vec::new());
    }
    // SAFETY: after a decode that gave something, `rects` holds `num_rects` pointers to rects that libav owns and that
    // stay until they are freed here, once; an ASS line is null or ends with a zero byte.
    unsafe {
        let raw = said.as_mut_ptr();
        let mut lines = Vec::new();
        for place in 0..(*raw).num_rects as usize {
            let line = (**(*raw).rects.add(place)).ass;
            if !line.is_null() {
                lines.push(CStr::from_ptr(line).to_string_lossy().into_owned());
            }
        }
        avsubtitle_free(raw);
        Ok(lines)
    }
}

/// A failure of libav while it did `doing` that says nothing about the film.
pub fn fault(doing: &str) -> impl Fn(ffmpeg_next::Error) -> Error {
    move |error| match error {
        ffmpeg_next::Error::Other { errno: libc::ENOMEM } => {
            Refusal::InputTooLarge.error("The film needs more memory than a worker may use.")
        }
        error => Refusal::Internal.error("The film could not be processed.").with_internal(format!("{doing}: {error}")),
    }
}
