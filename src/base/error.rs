//! Operating errors: something could not be done, and this says what a client may know about it.
//!
//! Expected refusals (a viewer who has not paid, a window that is closed) are not errors: they are values of closed
//! enums such as `Denial`. A foreign error gets its [`ErrorKind`] once, in the adapter that saw it; `http::respond`
//! holds the one map from kind to status, `cmd` the one map from kind to exit code.

use std::error::Error as StdError;
use std::fmt;

/// The result of anything that can fail for an operating reason.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, as far as the reaction to it differs. Closed: a new kind is a new line in both maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The caller's input cannot be understood.
    Invalid,
    /// The input is understood and cannot be accepted.
    Unprocessable,
    /// A film or a part of it that we do not handle.
    Unsupported,
    /// No credentials, or not valid ones.
    Unauthorized,
    /// Credentials that do not reach this far.
    Forbidden,
    /// No such thing, or nothing this caller may know of.
    NotFound,
    /// The method is not one this resource has.
    MethodNotAllowed,
    /// The present state does not allow it.
    Conflict,
    /// It was here and has been withdrawn.
    Gone,
    /// A precondition header did not hold.
    Precondition,
    /// The requested byte range lies outside the body.
    Range,
    /// A body, a header block or a URI over its limit.
    TooLarge,
    /// Too many of these from this caller; later it works.
    TooMany,
    /// The disk or the quota is full.
    StorageFull,
    /// Something we depend on does not answer, or this node is shedding load.
    Unavailable,
    /// Something we depend on took too long.
    Timeout,
    /// The configuration or the environment of the process is wrong.
    Config,
    /// A check of our own data found it wrong.
    CheckFailed,
    /// A fault of ours.
    Internal,
}

/// An operating error.
pub struct Error {
    kind: ErrorKind,
    code: &'static str,
    message: String,
    param: Option<String>,
    internal: Option<String>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// `code` is stable and upper-case (`INPUT_NOT_A_FILM`); `message` may reach a client and says what to do next.
    pub fn new(kind: ErrorKind, code: &'static str, message: impl Into<String>) -> Self {
        Error { kind, code, message: message.into(), param: None, internal: None, source: None }
    }

    /// A fault of ours: the client sees only that there was one.
    pub fn internal(internal: impl Into<String>) -> Self {
        Error::new(ErrorKind::Internal, "INTERNAL", "Something went wrong on our side; it has been logged.")
            .with_internal(internal)
    }

    /// The client's field, header or argument that is at fault.
    pub fn with_param(mut self, param: impl Into<String>) -> Self {
        self.param = Some(param.into());
        self
    }

    /// Detail for the log only.
    pub fn with_internal(mut self, internal: impl Into<String>) -> Self {
        self.internal = Some(internal.into());
        self
    }

    /// The foreign error behind this one, for the log only.
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    pub fn code(&self) -> &'static str {
        self.code
    }

    pub fn message(&self) -> &str {
        &self.message
    }

    pub fn param(&self) -> Option<&str> {
        self.param.as_deref()
    }

    /// Everything, on one line, for the log: never for a client.
    pub fn log_line(&self) -> String {
        let mut line = format!("{}: {}", self.code, self.message);
        if let Some(internal) = &self.internal {
            line.push_str("; ");
            line.push_str(internal);
        }
        let mut cause = self.source.as_deref().map(|source| source as &dyn StdError);
        while let Some(error) = cause {
            line.push_str(": ");
            line.push_str(&error.to_string());
            cause = error.source();
        }
        line
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {}", self.kind, self.log_line())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_internal_is_in_the_log_line_and_not_in_the_message() {
        let error = Error::new(ErrorKind::Unavailable, "DB_UNAVAILABLE", "Try again in a moment.")
            .with_internal("writer queue full")
            .with_source(std::io::Error::other("disk on fire"));
        assert_eq!(error.to_string(), "Try again in a moment.");
        assert_eq!(error.log_line(), "DB_UNAVAILABLE: Try again in a moment.; writer queue full: disk on fire");
    }
}
