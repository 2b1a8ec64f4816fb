//! The `marquee-worker` binary: the process that libav runs in. Started by the packager and by nobody else.

fn main() -> std::process::ExitCode {
    if marquee::packager::worker::main() { std::process::ExitCode::SUCCESS } else { std::process::ExitCode::FAILURE }
}
