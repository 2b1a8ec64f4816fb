//! A picture that somebody uploaded: decoded, cut to a shape about its middle and written anew as a JPEG, so that nothing
//! of the file itself is ever handed to a viewer. One of libav's image formats comes in through the worker's one
//! descriptor; it is never enlarged.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use ffmpeg_next::{Packet, decoder, format, frame, media};

use crate::base::error::Result;
use crate::base::limits;
use crate::packager::protocol::{PICTURE_FILE, PictureShape};
use crate::packager::refusal::{self, Refusal};
use crate::packager::{libav, poster, probe};

/// JPEG, PNG and WebP, and nothing else of what libav can read.
const DEMUXERS: &str = "jpeg_pipe,png_pipe,webp_pipe";
const DECODERS: &str = "mjpeg,png,webp";
/// Packets read in search of the one picture.
const PACKETS_MAX: usize = 16;

/// Reads the picture in `file` and writes it, in `shape`, into `dir`.
pub fn write(file: &File, dir: &Path, shape: PictureShape) -> Result<()> {
    let picture = read(file)?;
    let cut = Cut::of(picture.width(), picture.height(), shape);
    if cut.out_width < limits::POSTER_WIDTH_MIN {
        let message = format!("In this shape the picture is only {} pixels wide.", cut.out_width);
        return Err(Refusal::PictureTooSmall.error(message));
    }
    // A colour profile would be written into the JPEG as it came, whatever it is.
    let crop = format!("sidedata=mode=delete,crop={}:{},", cut.width, cut.height);
    let jpeg = poster::jpeg(&poster::scale(&picture, &crop, cut.out_width, cut.out_height)?)?;
    let mut out = File::create_new(dir.join(PICTURE_FILE)).map_err(refusal::of_write)?;
    out.write_all(&jpeg).and_then(|()| out.sync_all()).map_err(refusal::of_write)
}

fn read(file: &File) -> Result<frame::Video> {
    let (input, _) = probe::input(file, DEMUXERS, DECODERS)?;
    let mut input = input.map_err(unreadable)?;
    let (index, mut decoder) = open(&input)?;
    let mut picture = frame::Video::empty();
    for _ in 0..PACKETS_MAX {
        let mut packet = Packet::empty();
        match packet.read(&mut input) {
            Ok(()) if packet.stream() != index => continue,
            Ok(()) => decoder.send_packet(&packet).map_err(unreadable)?,
            Err(ffmpeg_next::Error::Eof) => decoder.send_eof().map_err(unreadable)?,
            Err(error) => return Err(unreadable(error)),
        }
        if decoder.receive_frame(&mut picture).is_ok() {
            check_size(picture.width(), picture.height())?;
            return if picture.is_corrupt() { Err(invalid("it is damaged")) } else { Ok(picture) };
        }
    }
    Err(invalid("no picture was found in it"))
}

fn open(input: &format::context::Input) -> Result<(usize, decoder::Video)> {
    let Some(stream) = input.streams().find(|stream| stream.parameters().medium() == media::Type::Video) else {
        return Err(invalid("no picture was found in it"));
    };
    let facts = libav::stream_facts(&stream);
    check_size(facts.width, facts.height)?;
    let context = ffmpeg_next::codec::Context::from_parameters(stream.parameters()).map_err(unreadable)?;
    Ok((stream.index(), context.decoder().video().map_err(unreadable)?))
}

fn check_size(width: u32, height: u32) -> Result<()> {
    if width == 0 || height == 0 {
        return Err(invalid("it does not say how large it is"));
    }
    let pixels = u64::from(width) * u64::from(height);
    if width.max(height) > limits::POSTER_SIDE_MAX || pixels > limits::POSTER_PIXELS_MAX {
        let message = format!("The picture has {width}×{height} pixels; that is too large.");
        return Err(Refusal::PictureTooLarge.error(message));
    }
    Ok(())
}

fn unreadable(error: ffmpeg_next::Error) -> crate::base::error::Error {
    invalid("it cannot be decoded").with_internal(format!("libav: {error}"))
}

fn invalid(why: &str) -> crate::base::error::Error {
    Refusal::PictureInvalid.error(format!("This is not a JPEG, PNG or WebP picture we can read: {why}."))
}

/// The middle of a picture that has the shape, and how large it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cut {
    width: u32,
    height: u32,
    out_width: u32,
    out_height: u32,
}

impl Cut {
    fn of(width: u32, height: u32, shape: PictureShape) -> Cut {
        let (across, down, width_max) = match shape {
            PictureShape::Portrait => (2, 3, 1000),
            PictureShape::Landscape => (16, 9, 1920),
        };
        let is_too_wide = u64::from(width) * down > u64::from(height) * across;
        let (cut_width, cut_height) =
            if is_too_wide { (scaled(height, across, down), height) } else { (width, scaled(width, down, across)) };
        let even = |side: u32| side.max(2) & !1;
        let out_width = even(cut_width.min(width_max));
        let out_height = even(scaled(out_width, down, across));
        Cut { width: cut_width.max(1), height: cut_height.max(1), out_width, out_height }
    }
}

fn scaled(side: u32, times: u64, over: u64) -> u32 {
    u32::try_from((u64::from(side) * times + over / 2) / over).unwrap_or(side)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_is_cut_out_and_never_enlarged() {
        use PictureShape::{Landscape, Portrait};
        let cut = |width, height, shape| {
            let cut = Cut::of(width, height, shape);
            ((cut.width, cut.height), (cut.out_width, cut.out_height))
        };
        assert_eq!(cut(2000, 3000, Portrait), ((2000, 3000), (1000, 1500)));
        assert_eq!(cut(3000, 3000, Portrait), ((2000, 3000), (1000, 1500)));
        assert_eq!(cut(400, 900, Portrait), ((400, 600), (400, 600)));
        assert_eq!(cut(1280, 720, Landscape), ((1280, 720), (1280, 720)));
        assert_eq!(cut(1000, 1000, Landscape), ((1000, 563), (1000, 562)));
        assert_eq!(cut(4000, 1000, Landscape), ((1778, 1000), (1778, 1000)));
        assert_eq!(cut(1, 1, Portrait).1, (2, 2));
    }

    #[test]
    fn what_is_too_large_is_refused_before_it_is_decoded() {
        check_size(8000, 5000).unwrap();
        assert_eq!(check_size(8193, 1).unwrap_err().code(), "PICTURE_TOO_LARGE");
        assert_eq!(check_size(8000, 5001).unwrap_err().code(), "PICTURE_TOO_LARGE");
        assert_eq!(check_size(0, 5).unwrap_err().code(), "PICTURE_INVALID");
    }
}
