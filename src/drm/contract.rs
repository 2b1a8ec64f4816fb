//! The encryption contract (SPEKE v2): which tracks share a key. One key for each type of track, so that a licence can open
//! SD to a device that may not have UHD. The types are those of the presets `PRESET-VIDEO-6` and `PRESET-AUDIO-1`.

/// A type of track. Video is told apart by the pixels of a picture, whichever way up it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TrackType {
    Audio,
    Sd,
    /// To 720p.
    Hd1,
    /// To 1080p.
    Hd2,
    Uhd,
}

/// 1024 × 576.
const SD_PIXELS_MAX: u32 = 589_824;
/// 1280 × 720.
const HD1_PIXELS_MAX: u32 = 921_600;
/// 1920 × 1080.
const HD2_PIXELS_MAX: u32 = 2_073_600;

impl TrackType {
    pub fn of_video(width: u32, height: u32) -> TrackType {
        let pixels = width.saturating_mul(height);
        if pixels <= SD_PIXELS_MAX {
            TrackType::Sd
        } else if pixels <= HD1_PIXELS_MAX {
            TrackType::Hd1
        } else if pixels <= HD2_PIXELS_MAX {
            TrackType::Hd2
        } else {
            TrackType::Uhd
        }
    }

    /// `intendedTrackType` of a usage rule.
    pub fn as_str(self) -> &'static str {
        match self {
            TrackType::Audio => "AUDIO",
            TrackType::Sd => "SD",
            TrackType::Hd1 => "HD1",
            TrackType::Hd2 => "HD2",
            TrackType::Uhd => "UHD",
        }
    }

    /// `minPixels` and `maxPixels` of a usage rule's video filter, both inclusive; `None` for audio.
    pub fn pixels(self) -> Option<(Option<u32>, Option<u32>)> {
        match self {
            TrackType::Audio => None,
            TrackType::Sd => Some((None, Some(SD_PIXELS_MAX))),
            TrackType::Hd1 => Some((Some(SD_PIXELS_MAX + 1), Some(HD1_PIXELS_MAX))),
            TrackType::Hd2 => Some((Some(HD1_PIXELS_MAX + 1), Some(HD2_PIXELS_MAX))),
            TrackType::Uhd => Some((Some(HD2_PIXELS_MAX + 1), None)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_of_the_type_whose_filter_holds_its_pixels() {
        let cases = [
            (1024, 576, TrackType::Sd),
            (1280, 720, TrackType::Hd1),
            (720, 1282, TrackType::Hd2),
            (1080, 1920, TrackType::Hd2),
            (1921, 1080, TrackType::Uhd),
            (u32::MAX, 2, TrackType::Uhd),
        ];
        for (width, height, expected) in cases {
            assert_eq!(TrackType::of_video(width, height), expected, "{width}x{height}");
            let (min, max) = expected.pixels().unwrap();
            let pixels = width.saturating_mul(height);
            assert!(min.is_none_or(|min| min <= pixels) && max.is_none_or(|max| pixels <= max), "{width}x{height}");
        }
        let types = [TrackType::Sd, TrackType::Hd1, TrackType::Hd2, TrackType::Uhd].map(|of| of.pixels().unwrap());
        for pair in types.windows(2) {
            assert_eq!(pair[1].0.unwrap(), pair[0].1.unwrap() + 1, "one begins where the other ends");
        }
    }
}
