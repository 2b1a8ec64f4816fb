//! Video tracks: the top rung copied sample by sample, and the encoded rungs behind one decoder and one filter graph.

use std::collections::HashSet;
use std::fmt::Write;
use std::path::Path;

use ffmpeg_next::filter::{self, Graph};
use ffmpeg_next::{Packet, codec, decoder, frame};

use crate::base::error::Result;
use crate::media::avc;
use crate::media::cmaf::{Colour, InitMedia};
use crate::media::time::{self, Ticks};
use crate::packager::hdr;
use crate::packager::ladder::Rung;
use crate::packager::libav;
use crate::packager::mux::{Payload, Sample, TrackWriter};
use crate::packager::plan::{self, Plan};
use crate::packager::probe::VideoSource;
use crate::packager::refusal::Refusal;
use crate::packager::rung::{RungHandle, RungSettings};
use crate::packager::scan::Scan;
use crate::packager::segmenter::Grid;

/// The top rung, sample by sample as the source has it.
pub struct CopiedVideo<'a> {
    source: &'a VideoSource,
    scan: &'a Scan,
    writer: TrackWriter,
    syncs: HashSet<Ticks>,
}

impl<'a> CopiedVideo<'a> {
    pub fn start(
        dir: &Path,
        id: &str,
        source: &'a VideoSource,
        scan: &'a Scan,
        grid: &Grid,
    ) -> Result<CopiedVideo<'a>> {
        let config = scan.avc.clone().ok_or_else(|| Refusal::Internal.error("H.264 without a configuration."))?;
        let media = InitMedia::Avc {
            config,
            width: source.width as u16,
            height: source.height as u16,
            sample_aspect: source.sample_aspect,
            colour: is_said(source.colour).then_some(source.colour),
        };
        let writer = TrackWriter::create(dir, id, &media, scan.timescale, None, grid.boundaries.clone())?;
        Ok(CopiedVideo { source, scan, writer, syncs: scan.syncs.iter().copied().collect() })
    }

    /// Ends the track where presentation ends.
    pub fn finish(self) -> Result<()> {
        self.writer.finish(self.scan.end)
    }

    pub fn push(&mut self, packet: Packet) -> Result<()> {
        let pts = packet.pts().ok_or_else(|| Refusal::InputDamaged.error("The film changes as it is read."))?;
        let pts = self.scan.origin.since(pts, self.source.time_base, self.scan.timescale);
        let is_sync = packet.is_key() && self.syncs.contains(&pts);
        let data = packet.data().unwrap_or_default();
        let payload = if self.source.has_start_codes && avc::is_annex_b(data) {
            Payload::Bytes(avc::annex_b_to_lengths(data))
        } else {
            Payload::Packet { packet, skip: 0 }
        };
        self.writer.push(Sample { pts, is_sync, payload })
    }
}

/// Whether colour is said at all; 2 is "unspecified" (ISO/IEC 23091-2).
fn is_said(colour: Colour) -> bool {
    [colour.primaries, colour.transfer, colour.matrix].iter().any(|&code| code != 2) && colour.primaries != 0
}

/// The colour of encoded rungs, which are YUV whatever the source is.
fn rung_colour(source: &VideoSource) -> Colour {
    match source.colour {
        _ if source.hdr.is_some() => hdr::SDR,
        colour if colour.matrix == RGB => Colour { matrix: hdr::SDR.matrix, ..colour },
        colour => colour,
    }
}

/// The matrix of pictures that are not YUV (ISO/IEC 23091-2).
const RGB: u16 = 0;

/// One decoder, one filter graph, a thread per rung.
pub struct EncodedVideo<'a> {
    source: &'a VideoSource,
    scan: &'a Scan,
    decoder: decoder::Video,
    graph: Option<Graph>,
    rungs: Vec<(Rung, RungHandle)>,
    decoded: u64,
    damaged: u64,
    last_pts: Ticks,
}

impl<'a> EncodedVideo<'a> {
    pub fn start(
        dir: &Path,
        mut decoder: decoder::Decoder,
        source: &'a VideoSource,
        scan: &'a Scan,
        plan: &Plan,
    ) -> Result<EncodedVideo<'a>> {
        decoder.set_threading(codec::threading::Config {
            kind: codec::threading::Type::Frame,
            count: 2,
            ..Default::default()
        });
        let decoder = decoder.video().map_err(libav::fault("opening the decoder"))?;
        let milli = plan::frame_rate_milli(scan) as i32;
        let settings = RungSettings {
            dir: dir.to_owned(),
            timescale: scan.timescale,
            grid: plan.grid.clone(),
            end: scan.end,
            frame_rate: (milli, 1000),
            colour: rung_colour(source),
            threads: usize::from(plan.encoded.len() > 1),
            conformance: None,
        };
        let mut rungs = Vec::new();
        for rung in &plan.encoded {
            rungs.push((rung.clone(), RungHandle::start(rung, &settings)?));
        }
        Ok(EncodedVideo { source, scan, decoder, graph: None, rungs, decoded: 0, damaged: 0, last_pts: -1 })
    }

    pub fn push(&mut self, packet: &Packet) -> Result<()> {
        if self.decoder.send_packet(packet).is_err() {
            self.damaged += 1;
            return Ok(());
        }
        self.decode()
    }

    /// Ends all rungs; the number of packets that did not decode.
    pub fn finish(mut self) -> Result<u64> {
        // A decoder that is drained already has nothing more to give.
        let _ = self.decoder.send_eof();
        self.decode()?;
        if let Some(graph) = &mut self.graph {
            if let Some(mut source) = graph.get("in") {
                source.source().flush().map_err(libav::fault("scaling the picture"))?;
            }
            self.filtered()?;
        }
        for (_, rung) in &mut self.rungs {
            rung.finish()?;
        }
        let expected = self.scan.presented.len() as u64;
        // Some codecs have packets that show nothing; packets that do not decode are another matter.
        if self.decoded * 100 < expected * 80 || self.damaged * 100 > expected * 2 {
            return Err(Refusal::InputDamaged
                .error(format!("Only {} of {expected} pictures of the film can be decoded.", self.decoded)));
        }
        Ok(self.damaged)
    }

    fn decode(&mut self) -> Result<()> {
        loop {
            let mut picture = frame::Video::empty();
            if self.decoder.receive_frame(&mut picture).is_err() {
                return Ok(());
            }
            if (picture.width(), picture.height()) != (self.source.width, self.source.height)
                || picture.format() != self.source.pixel
            {
                return Err(Refusal::InputUnsupported
                    .error("The picture changes its size or form within the film; that is not handled yet."));
            }
            let Some(pts) = picture.timestamp() else { continue };
            let pts = self.scan.origin.since(pts, self.source.time_base, self.scan.timescale);
            if pts <= self.last_pts {
                continue;
            }
            self.last_pts = pts;
            self.decoded += 1;
            picture.set_pts(Some(pts));
            let graph = match &mut self.graph {
                Some(graph) => graph,
                none => none.insert(scaling_graph(self.source, self.scan, &self.rungs)?),
            };
            if let Some(mut source) = graph.get("in") {
                source.source().add(&picture).map_err(libav::fault("scaling the picture"))?;
            }
            self.filtered()?;
        }
    }

    fn filtered(&mut self) -> Result<()> {
        let Some(graph) = &mut self.graph else { return Ok(()) };
        let scale = i64::from(self.scan.timescale.per_second());
        for (rung, handle) in &mut self.rungs {
            let Some(mut sink) = graph.get(&rung.id) else { continue };
            loop {
                let mut picture = frame::Video::empty();
                match sink.sink().frame(&mut picture) {
                    Ok(()) => {}
                    Err(ffmpeg_next::Error::Eof | ffmpeg_next::Error::Other { errno: libc::EAGAIN }) => break,
                    Err(error) => return Err(libav::fault("scaling the picture")(error)),
                }
                // A filter may count in another time base.
                let base = sink.sink().time_base();
                let pts = picture
                    .pts()
                    .map(|pts| time::rescale(pts, i64::from(base.numerator()) * scale, i64::from(base.denominator())));
                picture.set_pts(pts);
                handle.push(picture)?;
            }
        }
        Ok(())
    }
}

/// `in` to one sink per rung, named by its id: deinterlaced, upright, scaled once, 8-bit 4:2:0 in video range.
fn scaling_graph(source: &VideoSource, scan: &Scan, rungs: &[(Rung, RungHandle)]) -> Result<Graph> {
    let fault = libav::fault("making the video filters");
    let missing = || Refusal::EncoderMissing.error("This libav lacks its basic video filters.");
    let pixel = source.pixel.descriptor().ok_or_else(missing)?.name();
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
    for (rung, _) in rungs {
        graph.add(&sink, &rung.id, "").map_err(&fault)?;
    }
    let mut chain = String::from("[in]");
    if scan.is_interlaced {
        chain.push_str("bwdif=mode=send_frame,");
    }
    // The first rung is the largest.
    let (width, height) = rungs.first().map_or((2, 2), |(rung, _)| (rung.width, rung.height));
    chain.push_str(&shown(source, width, height));
    // Writing to a String cannot fail, here and below.
    let _ = write!(chain, "split={}", rungs.len());
    for place in 0..rungs.len() {
        let _ = write!(chain, "[s{place}]");
    }
    let matrix = if source.colour.matrix == RGB { ":out_color_matrix=bt709" } else { "" };
    for (place, (rung, _)) in rungs.iter().enumerate() {
        let Rung { id, width, height, .. } = rung;
        let _ = write!(
            chain,
            ";[s{place}]scale={width}:{height}:flags=bicubic:out_range=tv{matrix},format=yuv420p,setsar=1[{id}]"
        );
    }
    let mut parser = graph.output("in", 0).map_err(&fault)?;
    for (rung, _) in rungs {
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
