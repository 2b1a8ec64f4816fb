//! Reads back what a worker wrote, with our own parser, and makes the asset's index from it. What a playlist will say is
//! what lies in the files; a track that breaks a rule of the format is never published. Of text the worker leaves cues,
//! and the file is written here.

use std::collections::HashSet;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use crate::base::error::{Error, Result};
use crate::base::limits;
use crate::media::rendition::{AssetIndex, TrackIndex, TrackMedia};
use crate::media::storyboard::Storyboard;
use crate::media::time::Ticks;
use crate::packager::protocol::TrackDraft;
use crate::packager::track_file::{TrackFile, wrong};
use crate::packager::{checkpoint, refusal, text_file};

pub const POSTER_FILE: &str = "poster.jpg";

/// The marker that every JPEG begins with.
pub const JPEG_START: [u8; 3] = [0xff, 0xd8, 0xff];

/// The index of the asset whose tracks lie in `dir`.
pub fn index(dir: &Path, drafts: Vec<TrackDraft>) -> Result<AssetIndex> {
    let words = drafts.iter().filter(|draft| matches!(draft.media, TrackMedia::Text(_))).count();
    if words > 2 * limits::TEXT_TRACKS_MAX {
        return Err(Error::internal("the worker names more text tracks than there can be"));
    }
    require_usable_ids(&drafts)?;
    let mut tracks = Vec::with_capacity(drafts.len());
    for draft in drafts {
        if let TrackMedia::Text(words) = draft.media {
            let Some(film) = tracks.first() else { return Err(wrong(&draft.id, "it comes before the picture")) };
            tracks.push(text_file::write(dir, draft.id, words, film)?);
            continue;
        }
        let path = dir.join(format!("{}.mp4", draft.id));
        let file = File::open(&path).map_err(|error| wrong(&draft.id, "it cannot be opened").with_source(error))?;
        let mut track = TrackFile::new(Arc::new(file), &draft);
        track.read_on()?;
        tracks.push(track.finished()?);
    }
    check_switching_set(&tracks)?;
    Ok(AssetIndex::new(tracks))
}

/// Ids become names of files and parts of URLs: they are plain, and each is one track's.
pub fn require_usable_ids(drafts: &[TrackDraft]) -> Result<()> {
    for (place, TrackDraft { id, .. }) in drafts.iter().enumerate() {
        let is_plain = !id.is_empty() && id.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        if !is_plain || drafts.iter().take(place).any(|other| other.id == *id) {
            return Err(wrong(id, "its id is not usable"));
        }
    }
    Ok(())
}

/// Whether the sheets in `dir` can be those of a film of this length. Of what the worker says only the size of a
/// picture is news.
pub fn storyboard(dir: &Path, said: &Storyboard, duration_ms: u64) -> Result<()> {
    let is_tile = |side| (1..=limits::STORYBOARD_SIDE_MAX).contains(&side);
    let Storyboard { tile_width, tile_height, sheets, .. } = *said;
    if !is_tile(tile_width)
        || !is_tile(tile_height)
        || *said != Storyboard::of_film(duration_ms, tile_width, tile_height)
    {
        return Err(Error::internal(format!("{said:?} is no storyboard of a film of {duration_ms} ms")));
    }
    for sheet in 0..sheets {
        let mut jpeg = Vec::new();
        let read = File::open(dir.join(Storyboard::file_name(sheet)))
            .and_then(|file| file.take(limits::STORYBOARD_SHEET_BYTES_MAX + 1).read_to_end(&mut jpeg));
        read.map_err(|error| Error::internal("a storyboard's sheet cannot be read").with_source(error))?;
        if !jpeg.starts_with(&JPEG_START) || jpeg.len() as u64 > limits::STORYBOARD_SHEET_BYTES_MAX {
            return Err(Error::internal(format!("sheet {sheet} of the storyboard is no picture")));
        }
    }
    Ok(())
}

/// Removes what a worker leaves that is no part of the package: nothing else of it is looked at.
pub fn remove_strange(dir: &Path, index: &AssetIndex) -> Result<()> {
    let sheets = index.storyboard.map_or(0, |storyboard| storyboard.sheets);
    let mut known: HashSet<String> = index.tracks.iter().map(TrackIndex::file_name).collect();
    known.extend((0..sheets).map(Storyboard::file_name));
    known.extend(index.tracks.iter().map(|track| checkpoint::name(&track.id)));
    known.insert(POSTER_FILE.to_owned());
    for entry in std::fs::read_dir(dir).map_err(refusal::of_write)? {
        let entry = entry.map_err(refusal::of_write)?;
        let (name, kind) = (entry.file_name(), entry.file_type().map_err(refusal::of_write)?);
        if kind.is_file() && name.to_str().is_some_and(|name| known.contains(name)) {
            continue;
        }
        if kind.is_dir() {
            std::fs::remove_dir_all(entry.path()).map_err(refusal::of_write)?;
        } else {
            std::fs::remove_file(entry.path()).map_err(refusal::of_write)?;
        }
    }
    Ok(())
}

/// The poster, where there is one, is a bounded JPEG.
pub fn poster(dir: &Path) -> Result<()> {
    let mut jpeg = Vec::new();
    match File::open(dir.join(POSTER_FILE)) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        opened => opened.and_then(|file| file.take(limits::POSTER_BYTES_MAX as u64 + 1).read_to_end(&mut jpeg)),
    }
    .map_err(|error| Error::internal("the poster cannot be read").with_source(error))?;
    if !jpeg.starts_with(&JPEG_START) || jpeg.len() > limits::POSTER_BYTES_MAX {
        return Err(Error::internal("the poster is no picture"));
    }
    Ok(())
}

/// Every video track begins its segments at the same instants.
fn check_switching_set(tracks: &[TrackIndex]) -> Result<()> {
    let mut reference: Option<(&TrackIndex, Vec<Ticks>)> = None;
    for track in tracks.iter().filter(|track| matches!(track.media, TrackMedia::Video(_))) {
        let starts: Vec<Ticks> = starts(track);
        match &reference {
            None => reference = Some((track, starts)),
            Some((first, expected)) => {
                if first.timescale != track.timescale || *expected != starts {
                    return Err(wrong(&track.id, &format!("its segments do not begin where those of {} do", first.id)));
                }
            }
        }
    }
    if reference.is_none() { Err(Error::internal("an asset without video")) } else { Ok(()) }
}

fn starts(track: &TrackIndex) -> Vec<Ticks> {
    let durations = track.segments.iter().map(|segment| segment.duration_ticks as Ticks);
    durations
        .scan(track.start_ticks, |start, duration| {
            let this = *start;
            *start += duration;
            Some(this)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_storyboard_is_what_its_film_gives_and_made_of_bounded_pictures() {
        let dir = tempfile::tempdir().unwrap();
        let said = Storyboard::of_film(60_000, 160, 90);
        let check = |said: &Storyboard| storyboard(dir.path(), said, 60_000).map_err(|error| error.log_line());
        let sheet =
            |number, bytes: &[u8]| std::fs::write(dir.path().join(Storyboard::file_name(number)), bytes).unwrap();
        sheet(0, &JPEG_START);
        assert!(check(&said).unwrap_err().contains("cannot be read"), "the second sheet is missing");
        sheet(1, &JPEG_START);
        check(&said).unwrap();
        for lie in [
            Storyboard { count: 31, ..said },
            Storyboard { sheets: u32::MAX, ..said },
            Storyboard { interval_ms: 0, ..said },
            Storyboard { tile_height: 0, ..said },
            Storyboard { tile_width: 161, ..said },
            Storyboard { rows: said.rows.saturating_add(1), ..said },
        ] {
            assert!(check(&lie).unwrap_err().contains("is no storyboard of a film"), "{lie:?}");
        }
        sheet(1, b"GIF89a");
        assert!(check(&said).unwrap_err().contains("is no picture"));
        let mut large = vec![0; limits::STORYBOARD_SHEET_BYTES_MAX as usize + 1];
        large[..3].copy_from_slice(&JPEG_START);
        sheet(1, &large);
        assert!(check(&said).unwrap_err().contains("is no picture"));
        sheet(1, &large[1..]);
        assert!(check(&said).is_err());
        large.pop();
        sheet(1, &large);
        check(&said).unwrap();
    }
}
