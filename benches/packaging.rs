//! What packaging costs, beside what other tools take for the same in the same run: copying against `cp`, FFmpeg and Shaka
//! Packager, a ladder against FFmpeg, and how soon a film can be played that is two hours long.
//!
//! `cargo bench --bench packaging [-- copy|first|ladder|complexity]`; the folder is under `TMPDIR`.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a bench that cannot go on has nothing to say")]

#[path = "packaging/complexity.rs"]
mod complexity;
#[path = "packaging/copy.rs"]
mod copy;
#[path = "packaging/first.rs"]
mod first;
#[path = "packaging/ladder.rs"]
mod ladder;
#[path = "packaging/run.rs"]
mod run;

use std::path::{Path, PathBuf};

/// What gets a film and a folder, and prints.
type Part = fn(&Path, &Path);

fn main() {
    let film = PathBuf::from(std::env::var_os("MARQUEE_TEST_FILM").expect("MARQUEE_TEST_FILM names a film"));
    let folder = tempfile::tempdir().expect("a folder for the bench");
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let parts: [(&str, Part); 4] =
        [("copy", copy::run), ("first", first::run), ("ladder", ladder::run), ("complexity", complexity::run)];
    println!("load average {} at the start", run::load());
    for (name, part) in parts {
        if wanted.is_empty() || wanted.iter().any(|wanted| wanted == name) {
            part(&film, folder.path());
        }
    }
    println!("load average {} at the end", run::load());
}
