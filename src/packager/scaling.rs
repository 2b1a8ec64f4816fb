//! The filters between the decoder and the encoders: deinterlaced, upright, SDR, and scaled once for each rung.

use std::fmt::Write;

use ffmpeg_next::filter::{self, Graph};
use ffmpeg_next::frame;

use crate::base::error::Result;
use crate::media::cmaf::Colour;
use crate::media::time;
use crate::packager::hdr;
use crate::packager::ladder::Rung;
use crate::packager::libav;
use crate::packager::probe::VideoSource;
use crate::packager::refusal::Refusal;
use crate::packager::scan::Scan;

/// Makes of each picture one for every rung.
pub struct Scaler {
    graph: Graph,
    sinks: Vec<String>,
    ticks_per_s: i64,
}

impl Scaler {
    pub fn new(source: &VideoSource, scan: &Scan, rungs: &[Rung]) -> Result<Scaler> {
        let graph = scaling_graph(source, scan, rungs)?;
        let sinks = rungs.iter().map(|rung| rung.id.clone()).collect();
        Ok(Scaler { graph, sinks, ticks_per_s: i64::from(scan.timescale.per_second()) })
    }

    /// Takes a picture, or the end, and gives what is ready: the place of the rung and a picture, its time in ticks.
    pub fn push(
        &mut self,
        picture: Option<&frame::Video>,
        mut take: impl FnMut(usize, frame::Video) -> Result<()>,
    ) -> Result<()> {
        let fault = libav::fault("scaling the picture");
        if let Some(mut source) = self.graph.get("in") {
            match picture {
                Some(picture) => source.source().add(picture),
                None => source.source().flush(),
            }
            .map_err(&fault)?;
        }
        for (place, id) in self.sinks.iter().enumerate() {
            let Some(mut sink) = self.graph.get(id) else { continue };
            loop {
                let mut scaled = frame::Video::empty();
                match sink.sink().frame(&mut scaled) {
                    Ok(()) => {}
                    Err(ffmpeg_next::Error::Eof | ffmpeg_next::Error::Other { errno: libc::EAGAIN }) => break,
                    Err(error) => return Err(fault(error)),
                }
                // A filter may count in another time base.
                let base = sink.sink().time_base();
                let (num, den) = (i64::from(base.numerator()), i64::from(base.denominator()));
                let pts = scaled.pts().map(|pts| time::rescale(pts, num * self.ticks_per_s, den));
                scaled.set_pts(pts);
                take(place, scaled)?;
            }
        }
        Ok(())
    }
}

/// The colour of encoded rungs, which are YUV whatever the source is.
pub fn rung_colour(source: &VideoSource) -> Colour {
    match source.colour {
        _ if source.hdr.is_some() => hdr::SDR,
        colour if colour.matrix == RGB => Colour { matrix: hdr::SDR.matrix, ..colour },
        colour => colour,
    }
}

/// The matrix of pictures that are not YUV (ISO/IEC 23091-2).
const RGB: u16 = 0;

/// `in` to one sink per rung, named by its id: deinterlaced, upright, scaled once, 8-bit 4:2:0 in video range.
fn scaling_graph(source: &VideoSource, scan: &Scan, rungs: &[Rung]) -> Result<Graph> {
    let fault = libav::fault("making the video filters");
    let missing = || Refusal::EncoderMissing.error("This libav lacks its basic video filters.");
    let unknown = || Refusal::InputDamaged.error("What form its pictures have cannot be told.");
    let pixel = source.pixel.descriptor().ok_or_else(unknown)?.name();
    let mut graph = Graph::new();
    let args = format!(
        "video_size={}x{}:pix_fmt={pixel}:time_base=1/{}:pixel_aspect={}/{}",
        source.width,
        source.height,
        scan.timescale.per_second(),
        source.sample_aspect.0,
        source.sample_aspect.1
    );
    graph.add(&filter::find("buffer").ok_or_else(missing)?, "in", &args).map_err(&fault)?;
    let sink = filter::find("buffersink").ok_or_else(missing)?;
    for rung in rungs {
        graph.add(&sink, &rung.id, "").map_err(&fault)?;
    }
    let mut chain = String::from("[in]");
    if scan.is_interlaced {
        chain.push_str("bwdif=mode=send_frame,");
    }
    // The first rung is the largest.
    let (width, height) = rungs.first().map_or((2, 2), |rung| (rung.width, rung.height));
    chain.push_str(&shown(source, width, height));
    // Writing to a String cannot fail, here and below.
    let _ = write!(chain, "split={}", rungs.len());
    for place in 0..rungs.len() {
        let _ = write!(chain, "[s{place}]");
    }
    let matrix = if source.colour.matrix == RGB { ":out_color_matrix=bt709" } else { "" };
    for (place, rung) in rungs.iter().enumerate() {
        let Rung { id, width, height, .. } = rung;
        let _ = write!(
            chain,
            ";[s{place}]scale={width}:{height}:flags=bicubic:out_range=tv{matrix},format=yuv420p,setsar=1[{id}]"
        );
    }
    let mut parser = graph.output("in", 0).map_err(&fault)?;
    for rung in rungs {
        parser = parser.input(&rung.id, 0).map_err(&fault)?;
    }
    parser.parse(&chain).map_err(&fault)?;
    graph.validate().map_err(&fault)?;
    Ok(graph)
}

/// The filters that make of a picture what a viewer is to see, each with its comma: upright, and SDR at most this large.
pub fn shown(source: &VideoSource, width: u32, height: u32) -> String {
    let mirrored = if source.is_mirrored { "hflip," } else { "" };
    let to_sdr = source.hdr.map(|hdr| hdr.filters(width, height)).unwrap_or_default();
    format!("{mirrored}{}{to_sdr}", upright(source.rotation))
}

/// The filters that turn a picture upright.
fn upright(rotation: u32) -> &'static str {
    match rotation {
        90 => "transpose=clock,",
        180 => "hflip,vflip,",
        270 => "transpose=cclock,",
        _ => "",
    }
}
