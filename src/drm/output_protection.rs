//! Output protection: what the way to the screen must have.

use crate::base::hdcp::HdcpLevel;
use crate::drm::contract::TrackType;

/// Which way to the screen pictures need, by their size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutputProtection {
    pub above_720p: Option<HdcpLevel>,
    pub above_1080p: Option<HdcpLevel>,
}

impl OutputProtection {
    /// Larger pictures need at least what smaller ones do.
    pub fn of(self, track_type: TrackType) -> Option<HdcpLevel> {
        match track_type {
            TrackType::Audio | TrackType::Sd | TrackType::Hd1 => None,
            TrackType::Hd2 => self.above_720p,
            TrackType::Uhd => self.above_1080p.max(self.above_720p),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn larger_pictures_need_at_least_what_smaller_ones_do() {
        let of = |above_720p, above_1080p| {
            let output = OutputProtection { above_720p, above_1080p };
            [TrackType::Audio, TrackType::Sd, TrackType::Hd1, TrackType::Hd2, TrackType::Uhd].map(|it| output.of(it))
        };
        let (v1, v2) = (Some(HdcpLevel::V1_4), Some(HdcpLevel::V2_2));
        assert_eq!(of(None, None), [None; 5]);
        assert_eq!(of(v1, v2), [None, None, None, v1, v2]);
        assert_eq!(of(v1, None), [None, None, None, v1, v1]);
        assert_eq!(of(None, v2), [None, None, None, None, v2]);
    }
}
