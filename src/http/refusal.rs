//! Why a request is refused before any handler sees it: a closed list, each with its status and a sentence.

use http::StatusCode;

/// A request that is not taken. Not in order of precedence: the first offending line decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    RequestLineInvalid,
    VersionUnsupported,
    MethodRefused,
    TargetInvalid,
    UriTooLong,
    HeadTooLarge,
    FieldsTooMany,
    FieldInvalid,
    FoldedField,
    BareLf,
    BareCr,
    ControlCharacter,
    HostMissing,
    HostRepeated,
    HostInvalid,
    HostMismatch,
    LengthInvalid,
    LengthRepeated,
    LengthAndEncoding,
    EncodingInvalid,
    EncodingUnsupported,
    ExpectationUnknown,
    ChunkInvalid,
    TrailerInvalid,
}

impl Refusal {
    pub fn status(self) -> StatusCode {
        match self {
            Refusal::VersionUnsupported => StatusCode::HTTP_VERSION_NOT_SUPPORTED,
            Refusal::MethodRefused => StatusCode::METHOD_NOT_ALLOWED,
            Refusal::UriTooLong => StatusCode::URI_TOO_LONG,
            Refusal::HeadTooLarge | Refusal::FieldsTooMany => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Refusal::EncodingUnsupported => StatusCode::NOT_IMPLEMENTED,
            Refusal::ExpectationUnknown => StatusCode::EXPECTATION_FAILED,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// The stable code a client sees.
    pub fn code(self) -> &'static str {
        self.text().0
    }

    /// What is wrong, for the one who sent it.
    pub fn detail(self) -> &'static str {
        self.text().1
    }

    fn text(self) -> (&'static str, &'static str) {
        match self {
            Refusal::RequestLineInvalid => {
                ("REQUEST_LINE_INVALID", "The request line is not a method, a target and HTTP/1.1.")
            }
            Refusal::VersionUnsupported => {
                ("VERSION_UNSUPPORTED", "HTTP/1.0, HTTP/1.1 and, over TLS, HTTP/2 are spoken here.")
            }
            Refusal::MethodRefused => ("METHOD_REFUSED", "TRACE and CONNECT are never allowed."),
            Refusal::TargetInvalid => ("TARGET_INVALID", "The request target is not a path or an absolute http URI."),
            Refusal::UriTooLong => ("URI_TOO_LONG", "The request target is too long."),
            Refusal::HeadTooLarge => ("HEAD_TOO_LARGE", "The header block is too large."),
            Refusal::FieldsTooMany => ("FIELDS_TOO_MANY", "There are too many header fields."),
            Refusal::FieldInvalid => ("FIELD_INVALID", "A header line is not a name, a colon and a value."),
            Refusal::FoldedField => ("FIELD_FOLDED", "A header line begins with white space."),
            Refusal::BareLf => ("BARE_LF", "A line ends with LF alone."),
            Refusal::BareCr => ("BARE_CR", "A CR stands inside a line."),
            Refusal::ControlCharacter => ("CONTROL_CHARACTER", "A control character stands inside a line."),
            Refusal::HostMissing => ("HOST_MISSING", "There is no Host."),
            Refusal::HostRepeated => ("HOST_REPEATED", "There is more than one Host."),
            Refusal::HostInvalid => ("HOST_INVALID", "Host is not a name or an address with an optional port."),
            Refusal::HostMismatch => ("HOST_MISMATCH", "The target's authority and Host differ."),
            Refusal::LengthInvalid => ("LENGTH_INVALID", "Content-Length is not a number."),
            Refusal::LengthRepeated => ("LENGTH_REPEATED", "There is more than one Content-Length."),
            Refusal::LengthAndEncoding => {
                ("LENGTH_AND_ENCODING", "Content-Length and Transfer-Encoding exclude each other.")
            }
            Refusal::EncodingInvalid => {
                ("ENCODING_INVALID", "Transfer-Encoding is exactly one chunked, in HTTP/1.1 only.")
            }
            Refusal::EncodingUnsupported => ("ENCODING_UNSUPPORTED", "chunked is the only transfer coding here."),
            Refusal::ExpectationUnknown => ("EXPECTATION_UNKNOWN", "100-continue is the only expectation here."),
            Refusal::ChunkInvalid => ("CHUNK_INVALID", "A chunk of the body is malformed."),
            Refusal::TrailerInvalid => {
                ("TRAILER_INVALID", "The trailer section is too large or names a framing field.")
            }
        }
    }
}
