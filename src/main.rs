//! The `marquee` binary.

fn main() -> std::process::ExitCode {
    marquee::cmd::main()
}
