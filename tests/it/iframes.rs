//! Trick play: the pictures of an I-frame playlist are those that the film shows at the same instants.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use marquee::media::cmaf::sync_sample_segment;

use crate::film;

/// The hash of each decoded picture, by its time in milliseconds.
fn pictures(file: &Path) -> HashMap<i64, String> {
    let args = ["-v", "error", "-xerror", "-i", file.to_str().unwrap(), "-map", "0:v", "-fps_mode", "passthrough"];
    let output = Command::new("ffmpeg").args(args).args(["-copyts", "-f", "framehash", "-hash", "md5", "-"]).output();
    let output = output.unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let base = text.lines().find_map(|line| line.strip_prefix("#tb 0: ")).unwrap();
    let (num, den) = base.split_once('/').unwrap();
    let (num, den): (i64, i64) = (num.parse().unwrap(), den.parse().unwrap());
    let frames = text.lines().filter(|line| !line.starts_with('#')).map(|line| {
        let fields: Vec<&str> = line.split(',').map(str::trim).collect();
        (fields[2].parse::<i64>().unwrap() * num * 1000 / den, fields[5].to_owned())
    });
    frames.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_sample_alone_is_the_picture_of_its_instant() {
    let packaged = film::packaged().await;
    let root = tempfile::tempdir().unwrap();
    for (track, _) in packaged.index.video() {
        assert!(track.has_sync_bytes());
        let path = packaged.dir.join(track.file_name());
        let (film, all) = (fs::read(&path).unwrap(), pictures(&path));
        assert!(all.len() > 500);
        let init = &film[..track.init_bytes as usize];
        // One after another they are a film of their own.
        let mut alone = init.to_vec();
        for segment in &track.segments {
            let beginning = &film[segment.offset as usize..(segment.offset + segment.sync_bytes) as usize];
            alone.extend(sync_sample_segment(beginning).unwrap());
            assert!(sync_sample_segment(&beginning[..beginning.len() / 2]).is_err(), "half a sample is none");
        }
        let file = root.path().join(format!("{}.mp4", track.id));
        fs::write(&file, alone).unwrap();
        let seen = pictures(&file);
        assert_eq!(seen.len(), track.segments.len());
        for (at_ms, picture) in &seen {
            assert_eq!(all.get(at_ms), Some(picture), "{} at {at_ms} ms", track.id);
        }
        let playlist = packaged.dir.join(format!("{}-iframes.m3u8", track.id));
        let Ok(m3u8_rs::Playlist::MediaPlaylist(playlist)) = m3u8_rs::parse_playlist_res(&fs::read(playlist).unwrap())
        else {
            panic!("m3u8-rs does not read the I-frame playlist");
        };
        assert!(playlist.i_frames_only && playlist.end_list);
        assert_eq!(playlist.segments.len(), track.segments.len());
        for (listed, segment) in playlist.segments.iter().zip(&track.segments) {
            let range = listed.byte_range.as_ref().unwrap();
            assert_eq!((range.offset, range.length), (Some(segment.offset), segment.sync_bytes));
        }
    }
    let main = fs::read(packaged.dir.join("main.m3u8")).unwrap();
    let Ok(m3u8_rs::Playlist::MasterPlaylist(main)) = m3u8_rs::parse_playlist_res(&main) else {
        panic!("m3u8-rs does not read main.m3u8");
    };
    let iframes = main.variants.iter().filter(|variant| variant.is_i_frame).count();
    assert_eq!(iframes, packaged.index.video().count(), "one for each rung");
}
