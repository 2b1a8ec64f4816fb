//! The sheets of a storyboard. Of all sync samples those are decoded, each by itself, that are the last at or before an
//! instant of the storyboard: never more than it has pictures. What does not decode is passed over, and the picture
//! before it serves; instants before the first picture have that one.
//!
//! The pass goes over the smallest rung that was encoded: it has a sync sample every [`limits::SYNC_EVERY`], and little
//! to decode. Where all of the film was copied it goes over the film, whose sync samples lie where they do. Either way
//! the pictures are upright and progressive.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use ffmpeg_next::format::Pixel;
use ffmpeg_next::{Packet, decoder, frame};

use crate::base::error::{Error, Result};
use crate::base::limits;
use crate::media::storyboard::{Storyboard, Tile};
use crate::media::time::{Ticks, Timescale};
use crate::packager::plan::Plan;
use crate::packager::probe::{self, VideoSource};
use crate::packager::refusal;
use crate::packager::scan::Scan;
use crate::packager::{libav, poster};

/// What the pictures are taken from.
pub enum Reel<'a> {
    Film(&'a File),
    /// The id of a rung.
    Rung(&'a str),
}

impl<'a> Reel<'a> {
    pub fn choose(film: &'a File, plan: &'a Plan) -> Reel<'a> {
        let smallest = plan.encoded.iter().min_by_key(|rung| (rung.codec, rung.width));
        smallest.map_or(Reel::Film(film), |smallest| Reel::Rung(&smallest.id))
    }
}

/// Writes the sheets into `dir`, where the rungs are; `None` where nothing decodes. `on_progress` gets the seconds of
/// film passed.
pub fn write(
    reel: &Reel<'_>,
    dir: &Path,
    film: &VideoSource,
    scan: &Scan,
    mut on_progress: impl FnMut(f64),
) -> Result<Option<Storyboard>> {
    let (mut input, place) = match reel {
        Reel::Film(file) => (probe::demux(file)?, film.stream),
        Reel::Rung(id) => {
            let rung = File::open(dir.join(format!("{id}.mp4")));
            (probe::demux(&rung.map_err(|error| Error::internal("a rung is not there").with_source(error))?)?, 0)
        }
    };
    let Some(stream) = input.stream(place) else { return Ok(None) };
    let decoder = probe::open_decoder(&stream)?.video().map_err(libav::fault("opening the decoder"))?;
    let mut pass = Pass::new(dir, film, scan, decoder);
    let mut last = None;
    loop {
        let mut packet = Packet::empty();
        match packet.read(&mut input) {
            Ok(()) => {}
            Err(ffmpeg_next::Error::InvalidData) => continue,
            Err(_) => break,
        }
        let Some(pts) = packet.pts().filter(|_| packet.stream() == place) else { continue };
        let at = match reel {
            Reel::Film(_) => scan.origin.since(pts, film.time_base, scan.timescale),
            // A track that was written here counts in the scan's timescale.
            Reel::Rung(_) => pts,
        };
        on_progress(scan.timescale.seconds(at));
        if packet.is_key() && at >= 0 && last.is_none_or(|last| at > last) {
            last = Some(at);
            pass.take(packet, at)?;
        }
    }
    pass.finish()
}

struct Pass<'a> {
    dir: &'a Path,
    scan: &'a Scan,
    decoder: decoder::Video,
    storyboard: Storyboard,
    /// The last sync sample, which is decoded when an instant turns out to be its.
    held: Option<Packet>,
    /// The last picture that was decoded, in its size on the sheet.
    picture: Option<frame::Video>,
    /// Pictures that lie on a sheet.
    placed: u32,
    sheet: Option<frame::Video>,
}

impl<'a> Pass<'a> {
    fn new(dir: &'a Path, film: &VideoSource, scan: &'a Scan, decoder: decoder::Video) -> Pass<'a> {
        let duration_ms = scan.timescale.rescale(scan.end, Timescale::MILLISECONDS).max(0) as u64;
        let (width, height) = poster::shrunk(film, limits::STORYBOARD_SIDE_MAX);
        let storyboard = Storyboard::of_film(duration_ms, width, height);
        Pass { dir, scan, decoder, storyboard, held: None, picture: None, placed: 0, sheet: None }
    }

    /// The next sync sample, presented at `at`.
    fn take(&mut self, packet: Packet, at: Ticks) -> Result<()> {
        self.fill_until(at)?;
        self.held = Some(packet);
        Ok(())
    }

    fn finish(mut self) -> Result<Option<Storyboard>> {
        self.fill_until(Ticks::MAX)?;
        Ok((self.placed == self.storyboard.count).then_some(self.storyboard))
    }

    /// Places the pictures of the instants before `end`.
    fn fill_until(&mut self, end: Ticks) -> Result<()> {
        if !self.is_next_before(end) {
            return Ok(());
        }
        if let Some(picture) = self.held.take().and_then(|packet| self.decode(&packet)) {
            let Storyboard { tile_width, tile_height, .. } = self.storyboard;
            self.picture = Some(poster::scale(&picture, "", tile_width, tile_height)?);
        }
        while self.is_next_before(end)
            && let Some(picture) = self.picture.take()
        {
            self.place(&picture)?;
            self.picture = Some(picture);
        }
        Ok(())
    }

    fn is_next_before(&self, end: Ticks) -> bool {
        let instant_ms = u64::from(self.placed) * self.storyboard.interval_ms;
        self.placed < self.storyboard.count && self.scan.timescale.ticks_of_ms(instant_ms) < end
    }

    /// The picture of one sync sample. The decoder is drained, as it may keep a picture back until the next one comes.
    fn decode(&mut self, packet: &Packet) -> Option<frame::Video> {
        let mut picture = frame::Video::empty();
        let sent = self.decoder.send_packet(packet).and_then(|()| self.decoder.send_eof());
        let is_good = sent.is_ok() && self.decoder.receive_frame(&mut picture).is_ok() && !picture.is_corrupt();
        self.decoder.flush();
        is_good.then_some(picture)
    }

    fn place(&mut self, picture: &frame::Video) -> Result<()> {
        let Tile { sheet: number, x, y } = self.storyboard.tile(self.placed);
        let (width, height) = self.storyboard.sheet_size(number);
        copy(picture, self.sheet.get_or_insert_with(|| black(width, height)), x as usize, y as usize);
        self.placed += 1;
        let is_full = self.placed == self.storyboard.count || self.storyboard.tile(self.placed).sheet != number;
        if is_full && let Some(sheet) = self.sheet.take() {
            let jpeg = poster::jpeg(&sheet)?;
            let path = self.dir.join(Storyboard::file_name(number));
            let mut out = File::create_new(path).map_err(refusal::of_write)?;
            out.write_all(&jpeg).and_then(|()| out.sync_all()).map_err(refusal::of_write)?;
        }
        Ok(())
    }
}

/// How many pixels of luma one sample of a plane of 4:2:0 stands for, in each direction.
const PLANES: [usize; 3] = [1, 2, 2];

fn black(width: u32, height: u32) -> frame::Video {
    let mut sheet = frame::Video::new(Pixel::YUVJ420P, width, height);
    for plane in 0..PLANES.len() {
        sheet.data_mut(plane).fill(if plane == 0 { 0 } else { 128 });
    }
    sheet.set_pts(Some(0));
    sheet
}

/// Lays `picture` on `sheet` with its upper left corner at (x, y); sizes and places are even.
fn copy(picture: &frame::Video, sheet: &mut frame::Video, x: usize, y: usize) {
    for (plane, shrunk) in PLANES.into_iter().enumerate() {
        let (width, height) = (picture.width() as usize / shrunk, picture.height() as usize / shrunk);
        let (from, to) = (picture.stride(plane), sheet.stride(plane));
        let rows = sheet.data_mut(plane).chunks_mut(to).skip(y / shrunk);
        for (row, source) in rows.zip(picture.data(plane).chunks(from).take(height)) {
            row[x / shrunk..x / shrunk + width].copy_from_slice(&source[..width]);
        }
    }
}
