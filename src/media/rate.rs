//! The peak segment bit rate (RFC 8216bis, 4.1): the highest rate of any run of segments that lasts between half of the
//! target duration and one and a half of it.

/// In bits per second, of segments given as bytes and seconds. Where no run is of that length, the average.
pub fn peak_bits_per_s(segments: &[(u64, f64)], target_s: f64) -> f64 {
    let mut peak: Option<f64> = None;
    for first in 0..segments.len() {
        let (mut bytes, mut seconds) = (0, 0.0);
        for (more_bytes, more_seconds) in &segments[first..] {
            bytes += more_bytes;
            seconds += more_seconds;
            if seconds > 1.5 * target_s {
                break;
            }
            if seconds >= 0.5 * target_s && seconds > 0.0 {
                let rate = bytes as f64 * 8.0 / seconds;
                peak = Some(peak.map_or(rate, |peak| peak.max(rate)));
            }
        }
    }
    peak.unwrap_or_else(|| average_bits_per_s(segments))
}

/// All bytes over all of the time.
pub fn average_bits_per_s(segments: &[(u64, f64)]) -> f64 {
    let bytes: u64 = segments.iter().map(|(bytes, _)| bytes).sum();
    let seconds: f64 = segments.iter().map(|(_, seconds)| seconds).sum();
    if seconds > 0.0 { bytes as f64 * 8.0 / seconds } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_end_is_no_peak_of_its_own_and_short_segments_are_counted_together() {
        // One second at 8 Mbit/s ends a film of 1 Mbit/s.
        let film = [(750_000, 6.0), (750_000, 6.0), (1_000_000, 1.0)];
        assert_eq!(peak_bits_per_s(&film, 6.0) as u64, 2_000_000);
        let short = [(100_000, 1.0), (900_000, 2.0), (900_000, 2.0), (100_000, 1.0)];
        assert_eq!(peak_bits_per_s(&short, 4.0) as u64, 3_600_000);
        assert_eq!(peak_bits_per_s(&[(1_000, 0.1)], 6.0) as u64, 80_000);
        assert_eq!(peak_bits_per_s(&[], 6.0) as u64, 0);
    }
}
