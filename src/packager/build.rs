//! Which library decodes films here.

use serde::Serialize;
use utoipa::ToSchema;

/// What this binary is linked to.
#[derive(Serialize, ToSchema)]
pub struct PackagerBuild {
    libav: String,
}

impl PackagerBuild {
    pub fn of_this_binary() -> PackagerBuild {
        let packed = ffmpeg_next::codec::version();
        PackagerBuild { libav: format!("libavcodec {}.{}.{}", packed >> 16, packed >> 8 & 0xff, packed & 0xff) }
    }
}
