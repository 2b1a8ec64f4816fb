//! The house rules as tests: which room may use which, who may name a backend or FFmpeg, who may read a clock, and how
//! long the hot path may get.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Every room with the rooms it may use. A room that is missing here, or an edge that is not listed, fails the build.
const EDGES: &[(&str, &[&str])] = &[
    ("base", &[]),
    ("media", &["base"]),
    ("hls", &["base", "media"]),
    ("catalog", &["base"]),
    ("rights", &["base", "catalog"]),
    ("ledger", &["base"]),
    ("telemetry", &["base"]),
    ("store", &["base", "catalog", "rights", "ledger", "telemetry"]),
    // It hears of everything that plays and sells, so it stands below them.
    ("audience", &["base", "store", "telemetry"]),
    ("http", &["base"]),
    // It speaks to key servers, who say what stands in playlists.
    ("drm", &["base", "media", "hls", "http"]),
    ("inspect", &["base", "media", "hls", "store", "http"]),
    // What a source was found to be is said in the catalogue's words, and kept with its asset.
    ("packager", &["base", "media", "hls", "catalog", "store"]),
    ("playback", &["base", "media", "hls", "catalog", "rights", "telemetry", "store", "audience", "http", "drm"]),
    ("commerce", &["base", "catalog", "rights", "ledger", "store", "audience", "http", "playback"]),
    // CMCD goes to the audience's queue, which is all of it that the origin touches.
    ("origin", &["base", "media", "hls", "rights", "audience", "http", "playback"]),
    ("api", &["base", "catalog", "rights", "ledger", "telemetry", "store", "audience", "http", "playback", "commerce"]),
    (
        "operator",
        &[
            "base",
            "catalog",
            "rights",
            "ledger",
            "telemetry",
            "store",
            "audience",
            "http",
            "inspect",
            "packager",
            "playback",
            "commerce",
            "api",
        ],
    ),
    ("web", &["base", "http"]),
    // Which kinds of licence ask for a card is said in the catalogue's words.
    ("config", &["base", "catalog", "http"]),
    (
        "app",
        &[
            "base", "catalog", "rights", "ledger", "store", "audience", "http", "drm", "inspect", "packager",
            "playback", "commerce", "origin", "api", "operator", "web", "config",
        ],
    ),
    (
        "cmd",
        &[
            "base", "media", "hls", "catalog", "rights", "ledger", "store", "inspect", "packager", "playback",
            "commerce", "http", "api", "operator", "config", "app",
        ],
    ),
];

/// Rooms without I/O and without a clock.
const PURE: &[&str] = &["media", "hls", "catalog", "rights", "ledger", "telemetry"];

/// The media path, a reading list. Origin and playback together stay within [`ORIGIN_AND_PLAYBACK_LINES_MAX`].
const HOT_PATH: &[&str] = &[
    "http/listener.rs",
    "origin/path.rs",
    "origin/serve.rs",
    "playback/token.rs",
    "playback/gate.rs",
    "playback/library.rs",
    "playback/cache.rs",
    "http/body.rs",
];
const ORIGIN_AND_PLAYBACK_LINES_MAX: usize = 1_200;

struct Source {
    /// Relative to `src/`, with forward slashes.
    path: String,
    /// Without line comments.
    code: String,
}

impl Source {
    fn room(&self) -> &str {
        let first = self.path.split('/').next().unwrap_or_default();
        first.strip_suffix(".rs").unwrap_or(first)
    }

    /// The code before `mod tests`.
    fn product(&self) -> &str {
        self.code.split("#[cfg(test)]").next().unwrap_or_default()
    }

    fn is_test(&self) -> bool {
        self.path.ends_with("/tests.rs") || self.path.contains("/tests/")
    }
}

fn sources() -> Vec<Source> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                // The front end has a house of its own.
                if !path.ends_with("web/ui") {
                    walk(&path, found);
                }
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    walk(&root, &mut found);
    found.sort();
    let strip = |line: &str| line.split("//").next().unwrap_or_default().to_owned();
    found
        .into_iter()
        .map(|path| Source {
            code: fs::read_to_string(&path).unwrap().lines().map(strip).collect::<Vec<_>>().join("\n"),
            path: path.strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/"),
        })
        .collect()
}

fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// The names that follow `prefix` in `code`, where `prefix` does not end a longer word.
fn names_after<'a>(code: &'a str, prefix: &'a str) -> impl Iterator<Item = &'a str> {
    code.match_indices(prefix).filter_map(move |(start, _)| {
        if start > 0 && is_word_byte(code.as_bytes()[start - 1]) {
            return None;
        }
        let rest = &code[start + prefix.len()..];
        let end = rest.bytes().position(|byte| !is_word_byte(byte)).unwrap_or(rest.len());
        Some(&rest[..end])
    })
}

#[test]
fn rooms_use_only_what_stands_above_them() {
    let edges: BTreeMap<&str, &[&str]> = EDGES.iter().copied().collect();
    let mut wrong = Vec::new();
    for source in sources() {
        let room = source.room();
        if ["lib", "main", "worker"].contains(&room) {
            continue;
        }
        let Some(allowed) = edges.get(room) else {
            wrong.push(format!("{}: the room {room} is not in the table", source.path));
            continue;
        };
        // Tests of a room may use any room.
        if source.is_test() {
            continue;
        }
        for used in names_after(source.product(), "crate::") {
            if used != room && !allowed.contains(&used) {
                wrong.push(format!("{}: {room} may not use {used}", source.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_table_has_no_way_up() {
    for (place, (room, uses)) in EDGES.iter().enumerate() {
        for used in *uses {
            let target = EDGES.iter().position(|(name, _)| name == used);
            assert!(target.is_some_and(|target| target < place), "{room} uses {used}, which does not stand above it");
        }
    }
}

#[test]
fn the_origin_has_no_path_to_the_store() {
    let origin = EDGES.iter().find(|(room, _)| *room == "origin").unwrap();
    assert!(!origin.1.contains(&"store"));
}

#[test]
fn only_the_store_the_config_and_the_app_name_a_backend() {
    const BACKENDS: &[&str] =
        &["sqlx", "redis", "object_store", "rusqlite", "SqlDb", "RedisState", "MemoryState", "postgres"];
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|source| !["store", "config", "app"].contains(&source.room())) {
        if source.is_test() {
            continue;
        }
        for backend in BACKENDS {
            if names_after(source.product(), backend).any(str::is_empty) {
                wrong.push(format!("{} names {backend}", source.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn only_the_packager_names_ffmpeg() {
    for source in sources().iter().filter(|source| source.room() != "packager") {
        for name in ["ffmpeg", "ffmpeg_next", "libav"] {
            assert!(!names_after(&source.code, name).any(str::is_empty), "{} names {name}", source.path);
        }
    }
}

#[test]
fn only_the_clock_reads_time() {
    const READERS: &[&str] =
        &["SystemTime::now", "Instant::now", "Timestamp::now", "Zoned::now", "Utc::now", "Local::now"];
    for source in sources().iter().filter(|source| source.path != "base/clock.rs") {
        for reader in READERS {
            assert!(!source.product().contains(reader), "{} reads {reader}", source.path);
        }
    }
}

#[test]
fn pure_rooms_do_no_io() {
    const IO: &[&str] = &["std::fs", "std::net", "std::env", "tokio::", "std::process", "async fn", "println!"];
    for source in sources().iter().filter(|source| PURE.contains(&source.room())) {
        for io in IO {
            assert!(!source.product().contains(io), "{} uses {io}", source.path);
        }
    }
}

#[test]
fn the_hot_path_can_be_read_in_one_sitting() {
    let sources = sources();
    let mut origin_and_playback = 0;
    for path in HOT_PATH {
        let source = sources.iter().find(|source| source.path == *path);
        let source = source.unwrap_or_else(|| panic!("{path} is on the hot path and does not exist"));
        if path.starts_with("origin/") || path.starts_with("playback/") {
            origin_and_playback += source.product().lines().count();
        }
    }
    assert!(
        origin_and_playback <= ORIGIN_AND_PLAYBACK_LINES_MAX,
        "origin and playback have {origin_and_playback} lines on the hot path"
    );
}

#[test]
fn no_drawer_for_odds_and_ends() {
    for source in sources() {
        for drawer in ["util", "utils", "common", "helper", "helpers", "misc", "manager"] {
            assert!(
                !source.path.split(['/', '.']).any(|part| part == drawer),
                "{}: a file is one noun, and {drawer} is none",
                source.path
            );
        }
        assert!(!source.code.contains("todo!("), "{} has a todo!()", source.path);
        assert!(!source.code.contains("unimplemented!("), "{} has an unimplemented!()", source.path);
    }
}
