//! `marquee package --protect`: folders that are of use only with a key that is not in them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use marquee::media::cmaf::sync_sample_segment;
use marquee::media::protect::{ContentKey, Iv, Protection, decrypt_segment};
use marquee::media::rendition::AssetIndex;

use crate::film;

fn package(folder: &Path, out: &str, args: &[&str]) -> Output {
    let mut command = Command::new(film::binary());
    command.arg("package").arg(film::file()).args(["--copy", "--out", out]).args(args).current_dir(folder);
    command.output().unwrap()
}

/// The hash of each stream of a playlist, or none where FFmpeg does not open it.
fn streams(folder: &Path, playlist: &str) -> Option<String> {
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-xerror", "-allowed_extensions", "ALL", "-i"])
        .arg(folder.join(playlist))
        .args(["-map", "0", "-c", "copy", "-f", "streamhash", "-hash", "md5", "-"])
        .output()
        .unwrap();
    (output.status.success() && output.stderr.is_empty()).then(|| String::from_utf8(output.stdout).unwrap())
}

/// A playlist sealed with `aes128`, opened as it says: what its map and segments are. (FFmpeg 5.1 does not seek in a sealed
/// local file, and over HTTP asks for the key at the segment's offset.)
fn opened(package: &Path, playlist: &str, key: &[u8]) -> Vec<u8> {
    let playlist = fs::read_to_string(package.join(playlist)).unwrap();
    let iv = playlist.split("IV=0x").nth(1).unwrap();
    let iv: Vec<u8> = (0..16).map(|n| u8::from_str_radix(&iv[2 * n..2 * n + 2], 16).unwrap()).collect();
    let protection =
        Protection { key: ContentKey::from_bytes(key.try_into().unwrap()), iv: Iv::from_bytes(iv.try_into().unwrap()) };
    let range = |file: &str, range: &str| {
        let file = fs::read(package.join(file)).unwrap();
        let (bytes, offset) = range.split_once('@').unwrap();
        let offset: usize = offset.parse().unwrap();
        file[offset..offset + bytes.parse::<usize>().unwrap()].to_vec()
    };
    let quoted = |name: &str| playlist.split(&format!("{name}=\"")).nth(1).unwrap().split('"').next().unwrap();
    let map = playlist.split("#EXT-X-MAP:URI=\"").nth(1).unwrap().split('"').next().unwrap();
    let mut clear = range(map, quoted("BYTERANGE"));
    let mut lines = playlist.lines();
    while let Some(line) = lines.next() {
        if let Some(bytes) = line.strip_prefix("#EXT-X-BYTERANGE:") {
            clear.extend(decrypt_segment(&range(lines.next().unwrap(), bytes), &protection).unwrap());
        }
    }
    clear
}

#[test]
fn a_sealed_package_plays_with_its_key_and_not_without() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path();
    assert!(package(folder, "clear", &[]).status.success());
    for scheme in ["aes128", "cbcs"] {
        let key = folder.join(format!("{scheme}.key"));
        let uri = format!("file://{}", key.display());
        let done =
            package(folder, scheme, &["--protect", scheme, "--key-file", key.to_str().unwrap(), "--key-uri", &uri]);
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        let bytes = fs::read(&key).unwrap();
        assert_eq!((bytes.len(), fs::metadata(&key).unwrap().permissions().mode() & 0o777), (16, 0o600));
        let package = folder.join(scheme);
        for file in fs::read_dir(&package).unwrap() {
            let path = file.unwrap().path();
            let content = fs::read(&path).unwrap();
            assert!(!content.windows(16).any(|window| window == bytes), "{} holds the key", path.display());
            assert_ne!(path.extension().unwrap(), "sealed", "nothing is left behind");
        }
        let clear = folder.join("clear");
        for track in ["v360", "a-und-2"] {
            if scheme == "aes128" {
                assert_eq!(
                    opened(&package, &format!("{track}.m3u8"), &bytes),
                    fs::read(clear.join(format!("{track}.mp4"))).unwrap()
                );
                continue;
            }
            let playlist = format!("{track}.m3u8");
            let expected = streams(&clear, &playlist);
            assert!(expected.is_some());
            assert_eq!(streams(&package, &playlist), expected, "{scheme} {track}");
        }
        let words = fs::read_to_string(package.join("t-en.m3u8")).unwrap();
        assert!(words.contains(&format!("#EXT-X-KEY:METHOD=AES-128,URI=\"{uri}\",IV=0x")), "{words}");
        assert!(!fs::read(package.join("t-en.vtt")).unwrap().windows(6).any(|window| window == b"WEBVTT"));

        let main = fs::read_to_string(package.join("main.m3u8")).unwrap();
        assert!(main.contains("I-FRAME-STREAM-INF"));
        if scheme == "cbcs" {
            assert_eq!(streams(&package, "v360-iframes.m3u8"), streams(&clear, "v360-iframes.m3u8"));
        } else {
            // Each picture was sealed for itself, since a whole sealed segment cannot be opened in part.
            let index = AssetIndex::from_json(&fs::read(clear.join("index.json")).unwrap()).unwrap();
            let (track, film) = (index.track("v360").unwrap(), fs::read(clear.join("v360.mp4")).unwrap());
            let mut pictures = film[..track.init_bytes as usize].to_vec();
            for segment in &track.segments {
                let beginning = &film[segment.offset as usize..(segment.offset + segment.sync_bytes) as usize];
                pictures.extend(sync_sample_segment(beginning).unwrap());
            }
            assert_eq!(opened(&package, "v360-iframes.m3u8", &bytes), pictures);
        }
        fs::write(&key, [0; 16]).unwrap();
        let another = streams(&package, "v360.m3u8");
        assert_ne!(another, streams(&clear, "v360.m3u8"), "{scheme}: another key");
    }
}

#[test]
fn a_key_file_is_never_in_the_package_and_never_overwritten() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path();
    let refused = |out: &str, args: &[&str], exit: i32, code: &str| {
        let done = package(folder, out, args);
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert_eq!(done.status.code(), Some(exit), "{args:?}: {said}");
        assert!(said.contains(code), "{args:?}: {said}");
        assert!(!folder.join(out).exists(), "{args:?}");
    };
    fs::write(folder.join("old.key"), "sixteen bytes….").unwrap();
    std::os::unix::fs::symlink(folder.join("nowhere"), folder.join("dangling.key")).unwrap();
    refused("film", &["--protect", "cbcs", "--key-file", "old.key"], 1, "KEY_FILE_EXISTS");
    refused("film", &["--protect", "cbcs", "--key-file", "dangling.key"], 1, "KEY_FILE_EXISTS");
    refused("film", &["--protect", "cbcs", "--key-file", "no/such/folder.key"], 3, "KEY_FILE_NOT_WRITABLE");
    for inside in ["film/film.key", ".film.partial/film.key", "film/deep/film.key"] {
        refused("film", &["--protect", "cbcs", "--key-file", inside], 1, "KEY_FILE_IN_PACKAGE");
    }
    refused("film", &["--protect", "cbcs"], 2, "--key-file");
    refused("film", &["--key-file", "new.key"], 2, "--protect");
    refused("film", &["--protect", "rot13", "--key-file", "new.key"], 2, "aes128 or cbcs");
    refused("film", &["--protect", "cbcs", "--key-file", "new.key", "--key-uri", "a\"b"], 2, "expected a URI");
    assert_eq!(fs::read_to_string(folder.join("old.key")).unwrap(), "sixteen bytes….");
    assert!(!folder.join("new.key").exists());

    // An empty folder may become the package, and the key may not lie in it, by whatever way it is named.
    fs::create_dir(folder.join("empty")).unwrap();
    std::os::unix::fs::symlink(folder.join("empty"), folder.join("alias")).unwrap();
    for key in ["empty/film.key", "./empty/../empty/film.key", "alias/film.key"] {
        let done = package(folder, "empty", &["--protect", "aes128", "--key-file", key]);
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(!done.status.success() && said.contains("KEY_FILE_IN_PACKAGE"), "{key}: {said}");
        assert_eq!(fs::read_dir(folder.join("empty")).unwrap().count(), 0);
    }
}
