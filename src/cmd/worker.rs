//! `marquee worker`: the process that libav runs in. Hidden; started by the packager and by nobody else.

use std::process::ExitCode;

use crate::packager::worker;

pub fn run() -> ExitCode {
    if worker::main() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
