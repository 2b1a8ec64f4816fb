//! Which rungs a film gets: pure decisions from what the probe and the scan found.

use crate::packager::probe::VideoSource;

/// An encoded video track.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rung {
    pub id: String,
    pub width: u32,
    pub height: u32,
    pub max_bits_per_s: u64,
}

/// The boxes that rungs fit into, largest first, with the cap of their bit rate. Portrait films turn them.
const BOXES: [(u32, u32, u64); 4] =
    [(1920, 1080, 6_000_000), (1280, 720, 3_000_000), (854, 480, 1_400_000), (640, 360, 800_000)];
/// A rung must be smaller than the one above it by at least this, in sixteenths of its sides.
const STEP_SIXTEENTHS: u64 = 15;

/// The id of a rung of this displayed size: its shorter side.
pub fn video_id(width: u32, height: u32) -> String {
    format!("v{}", width.min(height))
}

/// The rung that replaces a source that cannot be copied: its own size, at most 1080p.
pub fn top_rung(video: &VideoSource) -> Rung {
    let (width, height) = video.displayed();
    fit(width, height, BOXES[0]).unwrap_or_else(|| rung(f64::from(width), f64::from(height), BOXES[0]))
}

/// The rungs below a top rung of this displayed size; never larger than it, shape kept.
pub fn lower_rungs(width: u32, height: u32, top_average_bits_per_s: Option<u64>) -> Vec<Rung> {
    let mut rungs: Vec<Rung> = Vec::new();
    for size in &BOXES[1..] {
        let Some(mut candidate) = fit(width, height, *size) else { continue };
        let above = rungs.last().map_or((width, height), |rung| (rung.width, rung.height));
        let is_a_step = u64::from(candidate.width) * 16 <= u64::from(above.0) * STEP_SIXTEENTHS;
        if !is_a_step || rungs.iter().any(|rung| rung.id == candidate.id) {
            continue;
        }
        if let Some(average) = top_average_bits_per_s {
            // A lower rung that costs as much as the top one is of no use to anyone.
            candidate.max_bits_per_s = candidate.max_bits_per_s.min(average * 4 / 5).max(150_000);
        }
        rungs.push(candidate);
    }
    rungs
}

/// `width` × `height` shrunk into `size`; `None` when it fits already.
fn fit(width: u32, height: u32, size: (u32, u32, u64)) -> Option<Rung> {
    let (box_width, box_height) = if width >= height { (size.0, size.1) } else { (size.1, size.0) };
    if width <= box_width && height <= box_height {
        return None;
    }
    let scale = (f64::from(box_width) / f64::from(width)).min(f64::from(box_height) / f64::from(height));
    Some(rung(f64::from(width) * scale, f64::from(height) * scale, size))
}

/// The rung of this size, to the nearest even sides.
fn rung(width: f64, height: f64, size: (u32, u32, u64)) -> Rung {
    let even = |side: f64| ((side / 2.0).round() as u32).max(1) * 2;
    let (width, height) = (even(width), even(height));
    // The cap is that of a full box; a film of another shape has fewer pixels to spend it on.
    let share =
        (u64::from(width) * u64::from(height) * 1000 / (u64::from(size.0) * u64::from(size.1))).clamp(100, 1000);
    Rung { id: video_id(width, height), width, height, max_bits_per_s: size.2 * share / 1000 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(width: u32, height: u32) -> Vec<(String, u32, u32)> {
        lower_rungs(width, height, None).into_iter().map(|rung| (rung.id, rung.width, rung.height)).collect()
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
        assert_eq!(sizes(1080, 1920)[0], ("v720".into(), 720, 1280));
        assert_eq!(sizes(1300, 730), [("v480".into(), 854, 480), ("v360".into(), 640, 360)]);
    }

    #[test]
    fn a_lower_rung_costs_less_than_the_top() {
        let rungs = lower_rungs(1920, 1080, Some(1_000_000));
        assert_eq!(rungs.iter().map(|rung| rung.max_bits_per_s).collect::<Vec<_>>(), [800_000, 800_000, 800_000]);
    }
}
