//! Subtitles in a file beside the film: SubRip, ASS, WebVTT or TTML, in UTF-8, UTF-16 with a mark, or the GB 18030 of
//! older Chinese files. They become UTF-8 and are read as those inside a film are.

use std::fs::File;
use std::io::{Cursor, Read};

use encoding_rs::{Encoding, GB18030};
use ffmpeg_next::codec::Id;
use ffmpeg_next::format::{self, context::StreamIo};
use ffmpeg_next::{Dictionary, Packet, media};

use crate::base::error::{Error, Result};
use crate::base::limits;
use crate::media::ttml;
use crate::packager::libav;
use crate::packager::probe::{self, TextPlace, TextSource, TimeBase};
use crate::packager::protocol::SidecarOrder;
use crate::packager::refusal::Refusal;
use crate::packager::scan::Origin;
use crate::packager::subtitle::{self, TextTrack};

const DEMUXERS: &str = "srt,ass,webvtt";

/// Reads the file of an order, as far as it takes to know that it holds subtitles.
pub fn open(order: &SidecarOrder, file: &File) -> Result<TextSource> {
    let mut bytes = Vec::new();
    file.take(limits::TEXT_FILE_BYTES_MAX)
        .read_to_end(&mut bytes)
        .map_err(|error| unreadable(&order.name).with_source(error))?;
    let text = utf8(bytes).ok_or_else(|| {
        Refusal::SubtitleUnreadable
            .error(format!("{} is neither UTF-8, UTF-16 nor GB 18030; save it as UTF-8.", order.name))
    })?;
    if let Some(document) = document(&text) {
        ttml::cues(document)
            .map_err(|error| Refusal::SubtitleUnreadable.error(format!("{} cannot be read: {error}.", order.name)))?;
        return Ok(source(order, text, Id::TTML, TimeBase { num: 1, den: 1_000 }));
    }
    let input = demux(&order.name, &text)?;
    let stream = input
        .streams()
        .find(|stream| {
            stream.parameters().medium() == media::Type::Subtitle && subtitle::is_text(stream.parameters().id())
        })
        .ok_or_else(|| unreadable(&order.name))?;
    Ok(source(order, text, stream.parameters().id(), probe::time_base(&stream)))
}

fn source(order: &SidecarOrder, text: Vec<u8>, codec: Id, time_base: TimeBase) -> TextSource {
    TextSource {
        time_base,
        codec,
        place: TextPlace::File { name: order.name.clone(), text },
        language: Some(order.language.clone()),
        title: None,
        is_forced: false,
        describes_sound: false,
    }
}

/// The text where it is XML, as none of the other forms is.
fn document(text: &[u8]) -> Option<&str> {
    std::str::from_utf8(text).ok().filter(|text| text.trim_start_matches('\u{feff}').trim_start().starts_with('<'))
}

/// All of the words of a file that [`open`] has seen.
pub fn read(source: &TextSource, name: &str, text: &[u8], end_ms: u64) -> Result<TextTrack> {
    if let Some(document) = document(text) {
        return Ok(TextTrack::of_document(source, document, end_ms));
    }
    let mut input = demux(name, text)?;
    let stream = input.streams().next().ok_or_else(|| unreadable(name))?;
    let mut track = TextTrack::start(source, &stream, Origin::zero(source.time_base), end_ms)?;
    loop {
        let mut packet = Packet::empty();
        match packet.read(&mut input) {
            Ok(()) => track.push(&packet),
            Err(ffmpeg_next::Error::Eof) => return Ok(track),
            Err(error) => return Err(unreadable(name).with_internal(format!("libav: {error}"))),
        }
    }
}

fn demux(name: &str, text: &[u8]) -> Result<format::context::Input> {
    let io = StreamIo::from_read_seek(Cursor::new(text.to_vec())).map_err(libav::fault("opening the subtitles"))?;
    let mut options = Dictionary::new();
    options.set("format_whitelist", DEMUXERS);
    format::input_from_stream(io, None, Some(options))
        .map_err(|error| unreadable(name).with_internal(format!("libav: {error}")))
}

fn unreadable(name: &str) -> Error {
    Refusal::SubtitleUnreadable
        .error(format!("{name} holds no subtitles that can be read: SubRip, ASS, WebVTT and TTML can."))
}

/// The text in UTF-8 without a mark; `None` when it is in none of the encodings above, nor in the one that it declares.
fn utf8(bytes: Vec<u8>) -> Option<Vec<u8>> {
    let marked = Encoding::for_bom(&bytes);
    if marked.is_none() && std::str::from_utf8(&bytes).is_ok() {
        return Some(bytes);
    }
    let (encoding, mark_bytes) = marked.unwrap_or((declared(&bytes).unwrap_or(GB18030), 0));
    let text = encoding.decode_without_bom_handling_and_without_replacement(&bytes[mark_bytes..])?;
    Some(text.into_owned().into_bytes())
}

/// What an XML declaration says of its encoding.
fn declared(bytes: &[u8]) -> Option<&'static Encoding> {
    let said = bytes.strip_prefix(b"<?xml")?;
    let said = String::from_utf8_lossy(&said[..said.len().min(100)]);
    let (_, label) = said.split_once("encoding=")?;
    Encoding::for_label(label.split(['"', '\'']).nth(1)?.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_encodings_that_subtitles_come_in_are_told_apart() {
        let said = "1\n00:00:01,000 --> 00:00:02,000\n地上有一个洞 é\n";
        let utf16 = |order: fn(u16) -> [u8; 2]| -> Vec<u8> {
            ("\u{feff}".to_owned() + said).encode_utf16().flat_map(order).collect()
        };
        let (national, ..) = GB18030.encode(said);
        for bytes in [
            said.as_bytes().to_vec(),
            ("\u{feff}".to_owned() + said).into_bytes(),
            utf16(u16::to_le_bytes),
            utf16(u16::to_be_bytes),
            national.into_owned(),
        ] {
            assert_eq!(String::from_utf8(utf8(bytes).unwrap()).unwrap(), said);
        }
        let declared = b"<?xml version='1.0' encoding='ISO-8859-1'?><tt>\xe9</tt>".to_vec();
        assert!(String::from_utf8(utf8(declared).unwrap()).unwrap().ends_with("<tt>é</tt>"));
        assert_eq!(utf8(vec![0x31, 0xff, 0xff, 0x00]), None);
    }
}
