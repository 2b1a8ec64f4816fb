//! Subtitles in a file beside the film: SubRip, ASS, WebVTT or TTML, in UTF-8, UTF-16 with a mark, or one of the
//! encodings of older Chinese, Japanese and Korean files. They become UTF-8 and are read as those inside a film are.

use std::fs::File;
use std::io::{Cursor, Read};

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{BIG5, EUC_JP, EUC_KR, Encoding, GB18030, GBK, SHIFT_JIS};
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

/// Reads the file of an order, as far as it takes to know that it holds subtitles. What was guessed about it is a warning.
pub fn open(order: &SidecarOrder, file: &File, warnings: &mut Vec<String>) -> Result<TextSource> {
    let mut bytes = Vec::new();
    file.take(limits::TEXT_FILE_BYTES_MAX)
        .read_to_end(&mut bytes)
        .map_err(|error| unreadable(&order.name).with_source(error))?;
    let (text, guessed) = utf8(bytes, &order.language).ok_or_else(|| {
        let message = format!("What encoding {} is in cannot be told; save it as UTF-8.", order.name);
        Refusal::SubtitleUnreadable.error(message)
    })?;
    if let Some(encoding) = guessed {
        let name = encoding.name();
        warnings.push(format!("{} does not say its encoding and was read as {name}; look at its words.", order.name));
    }
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

/// The text in UTF-8 without a mark, and the encoding that was guessed, if one was; `None` when it is in none of those above,
/// nor in the one that it declares.
fn utf8(bytes: Vec<u8>, language: &str) -> Option<(Vec<u8>, Option<&'static Encoding>)> {
    let marked = Encoding::for_bom(&bytes);
    if marked.is_none() && std::str::from_utf8(&bytes).is_ok() {
        return Some((bytes, None));
    }
    let said = marked.or_else(|| Some((declared(&bytes)?, 0)));
    let guessed = if said.is_none() { Some(guess(&bytes, language)?) } else { None };
    let (encoding, mark_bytes) = said.or_else(|| Some((guessed?, 0)))?;
    let text = encoding.decode_without_bom_handling_and_without_replacement(&bytes[mark_bytes..])?;
    Some((text.into_owned().into_bytes(), guessed))
}

/// The likeliest encoding. None of those with one byte a letter: almost anything can be read as one of them.
fn guess(bytes: &[u8], language: &str) -> Option<&'static Encoding> {
    let language = language.to_ascii_lowercase();
    let is_traditional = ["hant", "tw", "hk", "mo"].iter().any(|tag| language.split('-').any(|subtag| subtag == *tag));
    let place: Option<&[u8]> = match language.split('-').next()? {
        "zh" | "zho" | "chi" | "yue" if is_traditional => Some(b"tw"),
        "zh" | "zho" | "chi" => Some(b"cn"),
        "ja" | "jpn" => Some(b"jp"),
        "ko" | "kor" => Some(b"kr"),
        _ => None,
    };
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    let found = detector.guess(place, Utf8Detection::Deny);
    match [GBK, GB18030, BIG5, EUC_KR, SHIFT_JIS, EUC_JP].contains(&found) {
        true if found == GBK => Some(GB18030),
        is_wide => is_wide.then_some(found),
    }
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
        for bytes in [
            said.as_bytes().to_vec(),
            ("\u{feff}".to_owned() + said).into_bytes(),
            utf16(u16::to_le_bytes),
            utf16(u16::to_be_bytes),
        ] {
            let (text, guessed) = utf8(bytes, "zh").unwrap();
            assert_eq!((String::from_utf8(text).unwrap(), guessed), (said.to_owned(), None));
        }
        for (encoding, language, said) in [
            (GB18030, "zh-Hans", "地上有一个洞。这是谁的？"),
            (GB18030, "fr", "地上有一个洞。这是谁的？"),
            (BIG5, "zh-Hant", "我們回家吧。謝謝你們的幫助！"),
            (BIG5, "zh-TW", "我們回家吧。謝謝你們的幫助！"),
            (EUC_KR, "ko", "집에 가자. 도와줘서 고마워."),
            (SHIFT_JIS, "ja", "家に帰ろう。助けてくれてありがとう。"),
            (EUC_JP, "ja", "家に帰ろう。助けてくれてありがとう。"),
        ] {
            let (bytes, ..) = encoding.encode(said);
            let (text, guessed) = utf8(bytes.into_owned(), language).unwrap();
            assert_eq!((String::from_utf8(text).unwrap(), guessed), (said.to_owned(), Some(encoding)), "{language}");
        }
        let declared = b"<?xml version='1.0' encoding='ISO-8859-1'?><tt>\xe9</tt>".to_vec();
        assert!(String::from_utf8(utf8(declared, "fr").unwrap().0).unwrap().ends_with("<tt>é</tt>"));
        assert_eq!(utf8(vec![0x31, 0xff, 0xff, 0x00], "zh"), None);
        let (western, ..) = encoding_rs::WINDOWS_1252.encode("Où est le café ? Là-bas.");
        assert_eq!(utf8(western.into_owned(), "fr"), None);
    }
}
