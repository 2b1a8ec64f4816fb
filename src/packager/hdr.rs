//! High dynamic range (PQ and HLG, ITU-R BT.2100) brought down to SDR BT.709 of 8 bits, for the rungs and for stills.
//!
//! ```text
//! scale → linear light in BT.709 primaries, 1.0 = 203 nits → curve: straight to 61 nits, then bent to the peak → gamma
//! ```
//!
//! 203 nits is the white of paper in HDR (ITU-R BT.2408), so a picture that stays below it looks as an SDR grade of it
//! would, and what is brighter is pressed into the rest. The peak is what the film says of itself.

use ffmpeg_next::filter;
use ffmpeg_next::frame::{self, side_data::Type as SideData};

use crate::base::error::Result;
use crate::media::cmaf::Colour;
use crate::packager::refusal::Refusal;

/// Diffuse white in HDR (ITU-R BT.2408), which becomes nearly the white of SDR.
const WHITE_NITS: u32 = 203;
/// Where a film does not say how bright it gets, and for HLG by definition.
const PEAK_NITS: u32 = 1_000;
/// The brightest that PQ can say.
const PEAK_NITS_MAX: u32 = 10_000;
/// What libav may have been built without.
const FILTERS: [&str; 2] = ["zscale", "tonemap"];
/// The colours of everything that was tone-mapped.
pub const SDR: Colour = Colour { primaries: 1, transfer: 1, matrix: 1, full_range: false };

/// How a film's pictures are HDR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hdr {
    pub transfer: Transfer,
    primaries: &'static str,
    matrix: &'static str,
    full_range: bool,
    peak_nits: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transfer {
    Pq,
    Hlg,
}

impl Transfer {
    pub fn name(self) -> &'static str {
        match self {
            Transfer::Pq => "PQ",
            Transfer::Hlg => "HLG",
        }
    }
}

impl Hdr {
    /// What `picture`, of this colour, is; `None` for SDR. Refused where this libav cannot tone-map.
    pub fn of(picture: &frame::Video, colour: Colour) -> Result<Option<Hdr>> {
        let light = picture.side_data(SideData::ContentLightLevel).and_then(|data| max_content_nits(data.data()));
        let display =
            || picture.side_data(SideData::MasteringDisplayMetadata).and_then(|data| display_nits(data.data()));
        let Some(hdr) = Hdr::from_colour(colour, light.or_else(display)) else { return Ok(None) };
        check_filters(|name| filter::find(name).is_some())?;
        Ok(Some(hdr))
    }

    fn from_colour(colour: Colour, said_peak_nits: Option<u32>) -> Option<Hdr> {
        let (transfer, peak_nits) = match colour.transfer {
            16 => (Transfer::Pq, said_peak_nits.unwrap_or(PEAK_NITS)),
            18 => (Transfer::Hlg, PEAK_NITS),
            _ => return None,
        };
        // BT.2100 allows BT.2020 primaries alone; cinema masters are also in P3. What is not said is BT.2020.
        let primaries = match colour.primaries {
            1 => "bt709",
            11 => "smpte431",
            12 => "smpte432",
            _ => "bt2020",
        };
        // It has no constant luminance; a film that claims it claims too much.
        let matrix = match colour.matrix {
            0 => "gbr",
            1 => "bt709",
            14 => "ictcp",
            _ => "bt2020nc",
        };
        Some(Hdr { transfer, primaries, matrix, full_range: colour.full_range, peak_nits })
    }

    /// The filters that make an SDR picture of this size, each with its comma. Scaled first: every pixel costs.
    pub fn filters(&self, width: u32, height: u32) -> String {
        let transfer = match self.transfer {
            Transfer::Pq => "smpte2084",
            Transfer::Hlg => "arib-std-b67",
        };
        let range = if self.full_range { "pc" } else { "tv" };
        let Hdr { primaries, matrix, .. } = self;
        let peak = f64::from(self.peak_nits) / f64::from(WHITE_NITS);
        format!(
            "scale={width}:{height}:flags=bicubic,\
             setparams=range={range}:color_primaries={primaries}:color_trc={transfer}:colorspace={matrix},\
             zscale=p=bt709:t=linear:npl={WHITE_NITS},format=gbrpf32le,\
             tonemap=mobius:peak={peak:.3}:desat=0,\
             zscale=p=bt709:t=bt709:m=bt709:r=tv:d=ordered,format=yuv420p,"
        )
    }
}

fn check_filters(is_there: impl Fn(&str) -> bool) -> Result<()> {
    match FILTERS.into_iter().find(|name| !is_there(name)) {
        None => Ok(()),
        Some(missing) => Err(Refusal::FilterMissing.error(format!(
            "The picture is HDR, and this libav cannot tone-map it: its filter {missing} is missing. \
             Install a libavfilter that is built with libzimg, as Debian's and Ubuntu's is."
        ))),
    }
}

/// MaxCLL of an `AVContentLightMetadata`, where it is one.
fn max_content_nits(data: &[u8]) -> Option<u32> {
    plausible(u32::from_ne_bytes(*data.first_chunk()?))
}

/// The peak of an `AVMasteringDisplayMetadata`: its tenth fraction, after three primaries, white and the darkest.
fn display_nits(data: &[u8]) -> Option<u32> {
    let cell = |at: usize| data.get(at..)?.first_chunk().map(|cell| i32::from_ne_bytes(*cell));
    let (over, under) = (cell(72)?, cell(76)?);
    plausible(u32::try_from(over.checked_div(under)?).ok()?)
}

/// Phones write all kinds of numbers; a film that ends below the white of paper is not HDR.
fn plausible(nits: u32) -> Option<u32> {
    (WHITE_NITS..=PEAK_NITS_MAX).contains(&nits).then_some(nits)
}

/// Whether Dolby Vision of this kind (an `AVDOVIDecoderConfigurationRecord`) has no base layer in other colours than its
/// own, which libav decodes as if they were usual ones: `bl_signal_compatibility_id` is 0, as in profile 5.
pub fn is_dolby_vision_alone(record: &[u8]) -> bool {
    record.get(7) == Some(&0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PQ: Colour = Colour { primaries: 9, transfer: 16, matrix: 9, full_range: false };

    #[test]
    fn hdr_is_what_has_a_transfer_of_bt_2100() {
        assert_eq!(Hdr::from_colour(SDR, None), None);
        assert_eq!(Hdr::from_colour(Colour { transfer: 14, ..PQ }, None), None, "BT.2020 alone is SDR");
        let unsaid = Colour { primaries: 2, matrix: 2, ..PQ };
        assert_eq!(Hdr::from_colour(unsaid, None), Hdr::from_colour(PQ, Some(1_000)));
        let constant = Colour { matrix: 10, ..PQ };
        assert_eq!(Hdr::from_colour(constant, None), Hdr::from_colour(PQ, None), "the filters refuse it as it stands");
        let hlg = Hdr::from_colour(Colour { transfer: 18, ..PQ }, Some(4_000)).unwrap();
        assert_eq!((hlg.transfer, hlg.peak_nits), (Transfer::Hlg, 1_000));
    }

    #[test]
    fn a_peak_that_cannot_be_is_not_believed() {
        let light = |nits: u32| max_content_nits(&[nits.to_ne_bytes(), 200_u32.to_ne_bytes()].concat());
        assert_eq!([light(0), light(202), light(203), light(10_001)], [None, None, Some(203), None]);
        let display = |over: i32, under: i32| {
            let mut data = vec![0; 88];
            data[72..76].copy_from_slice(&over.to_ne_bytes());
            data[76..80].copy_from_slice(&under.to_ne_bytes());
            display_nits(&data)
        };
        assert_eq!([display(10_000_000, 10_000), display(1_000, 10_000), display(1, 0)], [Some(1_000), None, None]);
        assert_eq!(display_nits(&[0; 75]), None);
    }

    #[test]
    fn a_libav_without_a_filter_is_told_what_to_install() {
        check_filters(|_| true).unwrap();
        let error = check_filters(|name| name != "zscale").unwrap_err();
        assert_eq!(error.code(), "FILTER_MISSING");
        assert!(error.message().contains("zscale") && error.message().contains("libzimg"), "{}", error.message());
    }

    #[test]
    fn dolby_vision_without_a_base_layer_of_its_own_is_told_apart() {
        // Version 1.0, profile, level 6, RPU, no enhancement layer, base layer, compatibility.
        assert!(is_dolby_vision_alone(&[1, 0, 5, 6, 1, 0, 1, 0]));
        assert!(!is_dolby_vision_alone(&[1, 0, 8, 6, 1, 0, 1, 1]), "profile 8.1 is HDR10");
        assert!(!is_dolby_vision_alone(&[]));
    }
}
