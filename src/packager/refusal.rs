//! Why a film is not packaged: a closed list of stable codes. The worker names one over the pipe, the supervisor and
//! the command line show it.

use std::io;

use crate::base::error::{Error, ErrorKind};

macro_rules! refusals {
    ($($name:ident = $code:literal, $kind:ident;)*) => {
        /// A stable reason; see [`Refusal::code`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Refusal { $($name,)* }

        impl Refusal {
            pub const ALL: &'static [Refusal] = &[$(Refusal::$name,)*];

            pub fn code(self) -> &'static str {
                match self { $(Refusal::$name => $code,)* }
            }

            pub fn kind(self) -> ErrorKind {
                match self { $(Refusal::$name => ErrorKind::$kind,)* }
            }
        }
    };
}

refusals! {
    InputNotFound = "INPUT_NOT_FOUND", NotFound;
    InputUnreadable = "INPUT_UNREADABLE", Forbidden;
    InputEmpty = "INPUT_EMPTY", Unprocessable;
    InputNotAFilm = "INPUT_NOT_A_FILM", Unprocessable;
    InputTruncated = "INPUT_TRUNCATED", Unprocessable;
    InputNoVideo = "INPUT_NO_VIDEO", Unprocessable;
    InputDamaged = "INPUT_DAMAGED", Unprocessable;
    InputUnsupported = "INPUT_UNSUPPORTED", Unsupported;
    InputTooLarge = "INPUT_TOO_LARGE", TooLarge;
    AudioUnreadable = "AUDIO_UNREADABLE", Unprocessable;
    SubtitleUnreadable = "SUBTITLE_UNREADABLE", Unprocessable;
    CopyNeedsEncoding = "COPY_NEEDS_ENCODING", Unprocessable;
    EncoderMissing = "ENCODER_MISSING", Config;
    FilterMissing = "FILTER_MISSING", Config;
    OutputExists = "OUTPUT_EXISTS", Conflict;
    OutputBusy = "OUTPUT_BUSY", Conflict;
    OutputNotWritable = "OUTPUT_NOT_WRITABLE", Config;
    OutputTooLarge = "OUTPUT_TOO_LARGE", TooLarge;
    KeyFileExists = "KEY_FILE_EXISTS", Conflict;
    KeyFileInPackage = "KEY_FILE_IN_PACKAGE", Invalid;
    KeyFileNotWritable = "KEY_FILE_NOT_WRITABLE", Config;
    DiskFull = "DISK_FULL", StorageFull;
    SandboxBroken = "SANDBOX_BROKEN", Config;
    WorkerKilled = "WORKER_KILLED", Internal;
    WorkerStalled = "WORKER_STALLED", Timeout;
    PictureInvalid = "PICTURE_INVALID", Unprocessable;
    PictureTooSmall = "PICTURE_TOO_SMALL", Unprocessable;
    PictureTooLarge = "PICTURE_TOO_LARGE", TooLarge;
    CardFontMissing = "CARD_FONT_MISSING", Config;
    CardUnsupported = "CARD_UNSUPPORTED", Unprocessable;
    Cancelled = "CANCELLED", Conflict;
    Internal = "INTERNAL", Internal;
}

impl Refusal {
    pub fn error(self, message: impl Into<String>) -> Error {
        Error::new(self.kind(), self.code(), message)
    }

    /// The refusal with this code; [`Refusal::Internal`] for one that is none.
    pub fn of_code(code: &str) -> Refusal {
        Refusal::ALL.iter().copied().find(|refusal| refusal.code() == code).unwrap_or(Refusal::Internal)
    }
}

/// The kind of a failed write into the output folder.
pub fn of_write(error: io::Error) -> Error {
    let refused = match error.raw_os_error() {
        Some(libc::ENOSPC | libc::EDQUOT) => {
            Refusal::DiskFull.error("The disk is full; make room and package the film again.")
        }
        Some(libc::EFBIG) => Refusal::OutputTooLarge.error("A track grew past the largest file that is allowed."),
        Some(libc::EACCES | libc::EPERM | libc::EROFS | libc::ENOTDIR | libc::ENOENT) => {
            Refusal::OutputNotWritable.error("The output folder cannot be written to.")
        }
        _ => Refusal::Internal.error("The output could not be written."),
    };
    refused.with_source(error)
}

/// The kind of a failure to make the output folder: whatever stands in the way, no job can write there.
pub fn of_folder(error: io::Error) -> Error {
    match error.raw_os_error() {
        Some(libc::ENOSPC | libc::EDQUOT) => of_write(error),
        _ => Refusal::OutputNotWritable.error("The output folder cannot be made there.").with_source(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_leads_back_to_its_refusal() {
        for &refusal in Refusal::ALL {
            assert_eq!(Refusal::of_code(refusal.code()), refusal);
        }
        assert_eq!(Refusal::of_code("NO_SUCH_CODE"), Refusal::Internal);
        assert_eq!(of_write(io::Error::from_raw_os_error(libc::ENOSPC)).code(), "DISK_FULL");
    }
}
