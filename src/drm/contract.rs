//! The encryption contract (SPEKE v2.1): which tracks share a key. One key for each type of track, so that a licence can
//! open SD to a device that may not have UHD.

/// A type of track. Video is told apart by the pixels of a picture, whichever way up it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TrackType {
    Audio,
    Sd,
    Hd,
    Uhd,
}

/// 1024 × 576.
const SD_PIXELS_MAX: u32 = 589_824;
/// 1920 × 1080.
const HD_PIXELS_MAX: u32 = 2_073_600;

impl TrackType {
    pub fn of_video(width: u32, height: u32) -> TrackType {
        let pixels = width.saturating_mul(height);
        if pixels <= SD_PIXELS_MAX {
            TrackType::Sd
        } else if pixels <= HD_PIXELS_MAX {
            TrackType::Hd
        } else {
            TrackType::Uhd
        }
    }

    /// `intendedTrackType` of a usage rule.
    pub fn as_str(self) -> &'static str {
        match self {
            TrackType::Audio => "AUDIO",
            TrackType::Sd => "SD",
            TrackType::Hd => "HD",
            TrackType::Uhd => "UHD",
        }
    }

    /// `minPixels` and `maxPixels` of a usage rule's video filter, both inclusive; `None` for audio.
    pub fn pixels(self) -> Option<(Option<u32>, Option<u32>)> {
        match self {
            TrackType::Audio => None,
            TrackType::Sd => Some((None, Some(SD_PIXELS_MAX))),
            TrackType::Hd => Some((Some(SD_PIXELS_MAX + 1), Some(HD_PIXELS_MAX))),
            TrackType::Uhd => Some((Some(HD_PIXELS_MAX + 1), None)),
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
            (1280, 720, TrackType::Hd),
            (1080, 1920, TrackType::Hd),
            (1921, 1080, TrackType::Uhd),
            (u32::MAX, 2, TrackType::Uhd),
        ];
        for (width, height, expected) in cases {
            assert_eq!(TrackType::of_video(width, height), expected, "{width}x{height}");
            let (min, max) = expected.pixels().unwrap();
            let pixels = width.saturating_mul(height);
            assert!(min.is_none_or(|min| min <= pixels) && max.is_none_or(|max| pixels <= max), "{width}x{height}");
        }
        assert_eq!(TrackType::Hd.pixels().unwrap().0.unwrap(), TrackType::Sd.pixels().unwrap().1.unwrap() + 1);
        assert_eq!(TrackType::Uhd.pixels().unwrap().0.unwrap(), TrackType::Hd.pixels().unwrap().1.unwrap() + 1);
    }
}
