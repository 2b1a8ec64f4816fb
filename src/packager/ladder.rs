//! Which rungs a film gets: pure decisions from what the probe and the scan found.

use serde::{Deserialize, Serialize};

use crate::packager::encoder::VideoCodec;
use crate::packager::probe::VideoSource;

/// An encoded video track.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rung {
    pub id: String,
    pub codec: VideoCodec,
    pub width: u32,
    pub height: u32,
    pub max_bits_per_s: u64,
}

/// How hard the film is to encode: what a small frame of it costs at the quality of the ladder, without a cap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Complexity {
    pub bits_per_s: u64,
    /// Pixels of the frame that was measured.
    pub pixels: u64,
}

/// A box that rungs fit into, and the cap of a full one for a film of ordinary complexity at up to 30 pictures a second.
#[derive(Clone, Copy)]
struct RungBox {
    width: u32,
    height: u32,
    bits_per_s: u64,
}

const fn rung_box(width: u32, height: u32, bits_per_s: u64) -> RungBox {
    RungBox { width, height, bits_per_s }
}

/// Largest first, for films that are not higher than they are wide.
const LANDSCAPE: [RungBox; 4] = [
    rung_box(1920, 1080, 6_000_000),
    rung_box(1280, 720, 3_000_000),
    rung_box(854, 480, 1_400_000),
    rung_box(640, 360, 800_000),
];
/// Largest first, for portrait films, which phones show: 540 wide rather than 480.
const PORTRAIT: [RungBox; 4] = [
    rung_box(1080, 1920, 6_000_000),
    rung_box(720, 1280, 3_000_000),
    rung_box(540, 960, 1_800_000),
    rung_box(360, 640, 800_000),
];
/// A rung must be smaller than the one above it by at least this, in sixteenths of its sides.
const STEP_SIXTEENTHS: u64 = 15;
/// Bits grow with the pixels to this power: larger pictures of the same film are smoother.
const RATE_OF_PIXELS: f64 = 0.85;
/// A cap over the mean that was measured: hard scenes take as much and more.
const HEADROOM: f64 = 1.6;
/// How far measuring moves a cap from that of an ordinary film.
const EASIEST: f64 = 0.25;
const HARDEST: f64 = 1.5;
const RATE_MIN_BITS_PER_S: u64 = 150_000;

/// The id of a rung of this displayed size: its shorter side.
pub fn video_id(width: u32, height: u32) -> String {
    format!("v{}", width.min(height))
}

/// The rung that replaces a source that cannot be copied: its own size, at most 1080p.
pub fn top_rung(video: &VideoSource) -> Rung {
    let (width, height) = video.displayed();
    let [full, ..] = boxes(width, height);
    fit(width, height, full).unwrap_or_else(|| rung(f64::from(width), f64::from(height), full))
}

/// The rungs below a top rung of this displayed size; never larger than it, shape kept.
pub fn lower_rungs(width: u32, height: u32) -> Vec<Rung> {
    let mut rungs: Vec<Rung> = Vec::new();
    for size in &boxes(width, height)[1..] {
        let Some(candidate) = fit(width, height, *size) else { continue };
        let above = rungs.last().map_or((width, height), |rung| (rung.width, rung.height));
        let is_a_step = u64::from(candidate.width) * 16 <= u64::from(above.0) * STEP_SIXTEENTHS;
        if is_a_step && !rungs.iter().any(|rung| rung.id == candidate.id) {
            rungs.push(candidate);
        }
    }
    rungs
}

/// The frame that a film of this displayed size is measured on: itself, shrunk into the smallest box.
pub fn measured_frame(width: u32, height: u32) -> Rung {
    let [.., smallest] = boxes(width, height);
    fit(width, height, smallest).unwrap_or_else(|| rung(f64::from(width), f64::from(height), smallest))
}

/// The same ladder in another codec, under ids of its own.
pub fn in_codec(rungs: &[Rung], codec: VideoCodec) -> Vec<Rung> {
    let other = |rung: &Rung| {
        let id = match codec {
            VideoCodec::H264 => rung.id.clone(),
            VideoCodec::Hevc | VideoCodec::Av1 => format!("{}-{}", rung.id, codec.as_str()),
        };
        Rung { id, codec, ..rung.clone() }
    };
    rungs.iter().map(other).collect()
}

/// Gives each rung its cap: that of its box, more for high frame rates, moved by what was measured, and below a copied
/// rung of this average less than that.
pub fn rate(rungs: &mut [Rung], frame_rate_milli: u32, complexity: Option<Complexity>, copied: Option<u64>) {
    let beyond = f64::from(frame_rate_milli.saturating_sub(30_000)) / 60_000.0;
    for rung in rungs {
        let ordinary = rung.max_bits_per_s as f64 * (1.0 + beyond);
        let cap = complexity.map_or(ordinary, |measured| {
            let pixels = f64::from(rung.width) * f64::from(rung.height) / measured.pixels.max(1) as f64;
            let needed = measured.bits_per_s as f64 * pixels.powf(RATE_OF_PIXELS);
            (needed * HEADROOM).clamp(ordinary * EASIEST, ordinary * HARDEST)
        });
        let cap = cap * rung.codec.thrift();
        // A lower rung that costs as much as the top one is of no use to anyone.
        let below = copied.map_or(u64::MAX, |average| average * 4 / 5);
        rung.max_bits_per_s = (cap as u64).min(below).max(RATE_MIN_BITS_PER_S);
    }
}

fn boxes(width: u32, height: u32) -> [RungBox; 4] {
    if width >= height { LANDSCAPE } else { PORTRAIT }
}

/// `width` × `height` shrunk into `size`; `None` when it fits already.
fn fit(width: u32, height: u32, size: RungBox) -> Option<Rung> {
    if width <= size.width && height <= size.height {
        return None;
    }
    let scale = (f64::from(size.width) / f64::from(width)).min(f64::from(size.height) / f64::from(height));
    Some(rung(f64::from(width) * scale, f64::from(height) * scale, size))
}

/// The rung of this size, to the nearest even sides.
fn rung(width: f64, height: f64, size: RungBox) -> Rung {
    let even = |side: f64| ((side / 2.0).round() as u32).max(1) * 2;
    let (width, height) = (even(width), even(height));
    // The cap is that of a full box; a film of another shape has fewer pixels to spend it on.
    let full = u64::from(size.width) * u64::from(size.height);
    let share = (u64::from(width) * u64::from(height) * 1000 / full).clamp(100, 1000);
    Rung {
        id: video_id(width, height),
        codec: VideoCodec::H264,
        width,
        height,
        max_bits_per_s: size.bits_per_s * share / 1000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(width: u32, height: u32) -> Vec<(String, u32, u32)> {
        lower_rungs(width, height).into_iter().map(|rung| (rung.id, rung.width, rung.height)).collect()
    }

    #[test]
    fn rungs_keep_the_shape_and_are_never_larger() {
        assert_eq!(
            sizes(1920, 1080),
            [("v720".into(), 1280, 720), ("v480".into(), 854, 480), ("v360".into(), 640, 360)]
        );
        assert_eq!(
            sizes(1920, 800),
            [("v534".into(), 1280, 534), ("v356".into(), 854, 356), ("v266".into(), 640, 266)]
        );
        assert_eq!(sizes(854, 480), [("v360".into(), 640, 360)]);
        assert_eq!(sizes(640, 360), []);
        assert_eq!(sizes(320, 240), []);
        assert_eq!(
            sizes(1080, 1920),
            [("v720".into(), 720, 1280), ("v540".into(), 540, 960), ("v360".into(), 360, 640)]
        );
        assert_eq!(sizes(1300, 730), [("v480".into(), 854, 480), ("v360".into(), 640, 360)]);
    }

    fn caps(width: u32, height: u32, frame_rate_milli: u32, bits_per_s: Option<u64>, copied: Option<u64>) -> Vec<u64> {
        let mut rungs = lower_rungs(width, height);
        let complexity = bits_per_s.map(|bits_per_s| Complexity { bits_per_s, pixels: 640 * 360 });
        rate(&mut rungs, frame_rate_milli, complexity, copied);
        rungs.into_iter().map(|rung| rung.max_bits_per_s).collect()
    }

    #[test]
    fn a_lower_rung_costs_less_than_a_copied_top() {
        assert_eq!(caps(1920, 1080, 24_000, None, Some(1_000_000)), [800_000, 800_000, 800_000]);
        assert_eq!(caps(1920, 1080, 24_000, Some(10_000), Some(100_000)), [150_000, 150_000, 150_000]);
    }

    #[test]
    fn a_cap_follows_what_was_measured_within_limits() {
        assert_eq!(caps(1920, 1080, 24_000, None, None), [3_000_000, 1_400_000, 800_000], "nothing is known");
        assert_eq!(caps(1920, 1080, 24_000, Some(20_000), None), [750_000, 350_000, 200_000], "a quarter");
        assert_eq!(
            caps(1920, 1080, 24_000, Some(9_000_000), None),
            [4_500_000, 2_100_000, 1_200_000],
            "half as much again"
        );
        // 400 kbit/s × 1.6; 4^0.85 = 3.2490, (854 × 480 / (640 × 360))^0.85 = 1.6319.
        assert_eq!(caps(1920, 1080, 24_000, Some(400_000), None), [2_079_366, 1_044_393, 640_000]);
    }

    #[test]
    fn high_frame_rates_get_their_share() {
        assert_eq!(caps(1920, 1080, 30_000, None, None), [3_000_000, 1_400_000, 800_000]);
        assert_eq!(caps(1920, 1080, 60_000, None, None), [4_500_000, 2_100_000, 1_200_000]);
        assert_eq!(caps(1080, 1920, 59_940, None, None), [4_497_000, 2_698_200, 1_199_200]);
    }
}
