//! The poster: a real picture of the film from about a third in. Some candidates are decoded at sync samples and the one
//! with the most contrast wins, so that it is neither black nor a fade.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use ffmpeg_next::filter::{self, Graph};
use ffmpeg_next::format::Pixel;
use ffmpeg_next::{Packet, Rational, codec, encoder, frame};

use crate::base::error::Result;
use crate::packager::probe::{self, VideoSource};
use crate::packager::readback::POSTER_FILE;
use crate::packager::refusal::{self, Refusal};
use crate::packager::{libav, scaling};

const ENCODER: &str = "mjpeg";
const WIDTH_MAX: u32 = 1280;
/// Where candidates lie, in thousandths of the film.
const CANDIDATES: [u64; 6] = [333, 280, 400, 220, 460, 600];
/// Packets read in search of one candidate.
const PACKETS_MAX: usize = 2_000;
/// Mean luma of a picture that is neither black nor white.
const LUMA: std::ops::RangeInclusive<f64> = 24.0..=232.0;

/// Writes the poster into `dir`.
pub fn write(file: &File, dir: &Path, film: &VideoSource, duration_s: f64) -> Result<()> {
    let mut best: Option<(f64, frame::Video)> = None;
    for thousandths in CANDIDATES {
        let at_us = (duration_s * thousandths as f64 * 1000.0) as i64;
        if let Some(picture) = candidate(file, film, Some(at_us))? {
            let (mean, deviation) = luma(&picture);
            let score = if LUMA.contains(&mean) { deviation } else { deviation / 100.0 };
            if best.as_ref().is_none_or(|(other, _)| score > *other) {
                best = Some((score, picture));
            }
        }
    }
    let picture = match best {
        Some((_, picture)) => picture,
        None => candidate(file, film, None)?
            .ok_or_else(|| Refusal::InputDamaged.error("No picture of this film can be decoded for its poster."))?,
    };
    let jpeg = encode(&picture, film)?;
    let mut out = File::create_new(dir.join(POSTER_FILE)).map_err(refusal::of_write)?;
    out.write_all(&jpeg).and_then(|()| out.sync_all()).map_err(refusal::of_write)
}

/// The first picture that decodes from a sync sample near `at_us` on; `None` begins where the film does.
fn candidate(file: &File, film: &VideoSource, at_us: Option<i64>) -> Result<Option<frame::Video>> {
    let mut input = probe::demux(file)?;
    let start = match input.duration() {
        // The container's own start, where it has one.
        _ if input.streams().all(|stream| stream.start_time() <= 0) => 0,
        _ => input
            .streams()
            .filter(|stream| stream.index() == film.stream)
            .map(|stream| {
                let base = stream.time_base();
                stream.start_time().max(0).saturating_mul(1_000_000) / i64::from(base.denominator().max(1))
                    * i64::from(base.numerator())
            })
            .next()
            .unwrap_or(0),
    };
    // A container that cannot seek is read from its start: then every candidate is the first picture.
    if let Some(at_us) = at_us {
        let _ = input.seek(start + at_us, ..start + at_us);
    }
    let Some(stream) = input.stream(film.stream) else { return Ok(None) };
    let mut decoder = probe::open_decoder(&stream)?.video().map_err(libav::fault("opening the decoder"))?;
    let mut picture = frame::Video::empty();
    // An MPEG-TS is entered anywhere, and what a decoder makes of pictures without those they refer to is grey.
    let mut is_synced = at_us.is_none();
    for _ in 0..PACKETS_MAX {
        let mut packet = Packet::empty();
        match packet.read(&mut input) {
            Ok(()) if packet.stream() == film.stream => {
                is_synced |= packet.is_key();
                if !is_synced {
                    continue;
                }
                // A packet that does not decode is passed over.
                let _ = decoder.send_packet(&packet);
            }
            Ok(()) | Err(ffmpeg_next::Error::InvalidData) => continue,
            Err(_) => {
                let _ = decoder.send_eof();
                return Ok(decoder.receive_frame(&mut picture).is_ok().then_some(picture));
            }
        }
        if decoder.receive_frame(&mut picture).is_ok() && !picture.is_corrupt() {
            return Ok(Some(picture));
        }
    }
    Ok(None)
}

/// Mean and standard deviation of a sample of the first plane, on a scale of 0 to 255.
fn luma(picture: &frame::Video) -> (f64, f64) {
    let deep = picture
        .format()
        .descriptor()
        .is_some_and(|descriptor| descriptor.name().contains("10le") || descriptor.name().contains("12le"));
    let width = picture.width() as usize * if deep { 2 } else { 1 };
    let stride = picture.stride(0);
    let rows = picture.data(0).chunks(stride.max(1)).step_by(8);
    let values = rows.flat_map(|row| {
        row[..width.min(row.len())].chunks(if deep { 2 } else { 1 }).step_by(8).map(move |cell| {
            if deep {
                f64::from(u16::from(cell[0]) | u16::from(*cell.get(1).unwrap_or(&0)) << 8) / 4.0
            } else {
                f64::from(cell[0])
            }
        })
    });
    let (count, sum, squares) = values
        .fold((0.0, 0.0, 0.0), |(count, sum, squares), value| (count + 1.0, sum + value, squares + value * value));
    let count = f64::max(count, 1.0);
    let mean = sum / count;
    (mean, (squares / count - mean * mean).max(0.0).sqrt())
}

fn encode(picture: &frame::Video, film: &VideoSource) -> Result<Vec<u8>> {
    let (width, height) = shrunk(film, WIDTH_MAX);
    let interlaced = if picture.is_interlaced() { "bwdif=mode=send_frame," } else { "" };
    let first = format!("{interlaced}{}", scaling::shown(film, width, height));
    jpeg(&scale(picture, &first, width, height)?)
}

/// The size of the film upright and in square pixels, at most `side_max` wide and high; both sides are even.
pub fn shrunk(film: &VideoSource, side_max: u32) -> (u32, u32) {
    let (width, height) = film.displayed();
    let shrink = f64::from(side_max) / f64::from(width.max(height));
    let side = |side: u32| ((f64::from(side) * shrink.min(1.0)).round() as u32).max(2) & !1;
    (side(width), side(height))
}

/// The picture, which [`scale`] has made, as a JPEG.
pub fn jpeg(scaled: &frame::Video) -> Result<Vec<u8>> {
    let fault = libav::fault("encoding the poster");
    let Some(codec) = encoder::find_by_name(ENCODER) else {
        return Err(Refusal::EncoderMissing.error("This libav has no JPEG encoder."));
    };
    let mut context = codec::Context::new_with_codec(codec);
    context.set_flags(codec::Flags::QSCALE);
    context.set_time_base(Rational::new(1, 25));
    let mut encoder = context.encoder().video().map_err(&fault)?;
    encoder.set_width(scaled.width());
    encoder.set_height(scaled.height());
    encoder.set_format(Pixel::YUVJ420P);
    // libav's quality of 3 (of 31), in its fixed-point form.
    encoder.set_global_quality(3 * 118);
    let mut encoder = encoder.open_as(codec).map_err(&fault)?;
    encoder.send_frame(scaled).map_err(&fault)?;
    encoder.send_eof().map_err(&fault)?;
    let mut packet = Packet::empty();
    encoder.receive_packet(&mut packet).map_err(&fault)?;
    Ok(packet.data().unwrap_or_default().to_vec())
}

/// The picture in this size and the form that JPEG takes; `first` are filters before it, each with its comma.
pub fn scale(picture: &frame::Video, first: &str, width: u32, height: u32) -> Result<frame::Video> {
    let fault = libav::fault("scaling the poster");
    let missing = || Refusal::EncoderMissing.error("This libav lacks its basic video filters.");
    let unknown = || Refusal::InputDamaged.error("What form its pictures have cannot be told.");
    let pixel = picture.format().descriptor().ok_or_else(unknown)?.name();
    let mut graph = Graph::new();
    let args = format!("video_size={}x{}:pix_fmt={pixel}:time_base=1/25", picture.width(), picture.height());
    graph.add(&filter::find("buffer").ok_or_else(missing)?, "in", &args).map_err(&fault)?;
    graph.add(&filter::find("buffersink").ok_or_else(missing)?, "out", "").map_err(&fault)?;
    // The colours of a JPEG are BT.601 in full range, whatever those of the film are.
    let form = "out_range=pc:out_color_matrix=bt601,format=yuvj420p,setsar=1";
    let chain = format!("{first}scale={width}:{height}:flags=bicubic:{form}");
    graph
        .output("in", 0)
        .and_then(|parser| parser.input("out", 0))
        .and_then(|parser| parser.parse(&chain))
        .map_err(&fault)?;
    graph.validate().map_err(&fault)?;
    if let Some(mut source) = graph.get("in") {
        source.source().add(picture).map_err(&fault)?;
        source.source().flush().map_err(&fault)?;
    }
    let mut scaled = frame::Video::empty();
    match graph.get("out") {
        Some(mut sink) => sink.sink().frame(&mut scaled).map_err(&fault)?,
        None => return Err(missing()),
    }
    scaled.set_pts(Some(0));
    Ok(scaled)
}
