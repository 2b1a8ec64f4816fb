//! A plain film in an MP4 or MOV file (ISO/IEC 14496-12): where each sample of a track lies and when it is shown.
//!
//! Only what needs no interpretation is read: one sample entry for each track, every sample in the file itself, at most one
//! edit, which begins with the first sample that is shown. Everything else is an error, and somebody else's work.

use crate::base::error::Result;
use crate::media::isobmff::{FourCc, Reader};
use crate::media::malformed;

/// More samples than eight hours of picture or sound have.
const SAMPLES_MAX: u32 = 4_000_000;

#[derive(Debug)]
pub struct MovieTrack {
    /// `tkhd.track_ID`.
    pub id: u32,
    pub entry: FourCc,
    /// In decode order, which is also their order in the file.
    pub samples: Vec<MovieSample>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MovieSample {
    pub offset: u64,
    pub bytes: u32,
    /// Ticks of the track.
    pub duration: u32,
    /// When it is shown, from the beginning of the edit; ticks of the track.
    pub pts: i64,
    pub is_sync: bool,
}

/// The tracks `wanted` by their ids, in the order of the file. `moov` is the payload of that box.
pub fn tracks(moov: Reader<'_>, wanted: &[u32]) -> Result<Vec<MovieTrack>> {
    if moov.find_box(b"mvex")?.is_some() {
        return Err(malformed("The film is fragmented."));
    }
    let mut movie_scale = need(moov, *b"mvhd")?;
    let (version, _) = movie_scale.version_and_flags()?;
    movie_scale.take(if version == 1 { 16 } else { 8 })?;
    let movie_scale = movie_scale.u32()?;
    let mut tracks = Vec::new();
    let mut boxes = moov;
    while let Some(found) = boxes.next_box()? {
        if &found.kind == b"trak" {
            let mut header = need(found.payload, *b"tkhd")?;
            let (version, _) = header.version_and_flags()?;
            header.take(if version == 1 { 16 } else { 8 })?;
            let id = header.u32()?;
            if wanted.contains(&id) {
                tracks.push(track(found.payload, id, movie_scale)?);
            }
        }
    }
    Ok(tracks)
}

fn track(trak: Reader<'_>, id: u32, movie_scale: u32) -> Result<MovieTrack> {
    let media = need(trak, *b"mdia")?;
    let mut header = need(media, *b"mdhd")?;
    let (version, _) = header.version_and_flags()?;
    header.take(if version == 1 { 16 } else { 8 })?;
    let scale = header.u32()?;
    let table = need(need(media, *b"minf")?, *b"stbl")?;
    for unread in [*b"stps", *b"sbgp", *b"saio", *b"stz2"] {
        // Grouped samples: only pre-roll, which speaks of no sync samples.
        if let Some(found) = table.find_box(&unread)? {
            let is_roll = unread == *b"sbgp" && found.payload.rest().get(4..8) == Some(b"roll");
            if !is_roll {
                return Err(malformed("The sample table says more than is read here."));
            }
        }
    }
    let mut entries = need(table, *b"stsd")?;
    entries.version_and_flags()?;
    if entries.u32()? != 1 {
        return Err(malformed("The format changes in mid-film."));
    }
    let entry = entries.next_box()?.ok_or_else(|| malformed("No sample entry."))?.kind;

    let sizes = sizes(need(table, *b"stsz")?)?;
    let count = sizes.len();
    let durations = durations(need(table, *b"stts")?, count)?;
    let shown_after = match table.find_box(b"ctts")? {
        Some(found) => composition_offsets(found.payload, count)?,
        None => vec![0; count],
    };
    let syncs = table.find_box(b"stss")?.map(|found| sync_samples(found.payload)).transpose()?;
    let offsets = offsets(table, &sizes)?;
    let mut samples = Vec::with_capacity(count);
    let mut dts = 0_i64;
    for (n, (((&bytes, &duration), &after), &offset)) in
        sizes.iter().zip(&durations).zip(&shown_after).zip(&offsets).enumerate()
    {
        let is_sync = syncs.as_ref().is_none_or(|syncs| syncs.binary_search(&(n as u32 + 1)).is_ok());
        samples.push(MovieSample { offset, bytes, duration, pts: dts + i64::from(after), is_sync });
        dts += i64::from(duration);
    }
    if samples.is_empty() || offsets.windows(2).any(|pair| pair[0] >= pair[1]) {
        return Err(malformed("The samples are not in the order of the file."));
    }
    let end = samples.iter().map(|sample| sample.pts).max().unwrap_or(0);
    let begin = edit(trak, end, scale, movie_scale)?;
    for sample in &mut samples {
        sample.pts -= begin;
    }
    Ok(MovieTrack { id, entry, samples })
}

/// Where the one edit begins in the media, which it must show to the last sample.
fn edit(trak: Reader<'_>, last: i64, scale: u32, movie_scale: u32) -> Result<i64> {
    let Some(edits) = trak.find_box(b"edts")? else { return Ok(0) };
    let mut list = need(edits.payload, *b"elst")?;
    let (version, _) = list.version_and_flags()?;
    if list.u32()? != 1 {
        return Err(malformed("The film has several edits."));
    }
    let (duration, begin) = if version == 1 {
        (list.u64()?, list.u64()? as i64)
    } else {
        (u64::from(list.u32()?), i64::from(list.u32()? as i32))
    };
    let shown = u128::from(duration) * u128::from(scale) / u128::from(movie_scale.max(1));
    let needed = u128::try_from(last - begin).unwrap_or(u128::MAX);
    if begin < 0 || list.u32()? != 0x0001_0000 || shown <= needed {
        return Err(malformed("The edit cuts into the film."));
    }
    Ok(begin)
}

fn need(within: Reader<'_>, kind: FourCc) -> Result<Reader<'_>> {
    let found = within.find_box(&kind)?;
    Ok(found.ok_or_else(|| malformed(format!("No {} box.", String::from_utf8_lossy(&kind))))?.payload)
}

/// How many entries a table has; never more than its bytes can hold.
fn entries(table: &mut Reader<'_>, entry_bytes: usize) -> Result<usize> {
    let count = table.u32()? as usize;
    if count > SAMPLES_MAX as usize || count.saturating_mul(entry_bytes) > table.len() {
        return Err(malformed("A table is longer than its box."));
    }
    Ok(count)
}

fn sizes(mut table: Reader<'_>) -> Result<Vec<u32>> {
    table.version_and_flags()?;
    if table.u32()? != 0 {
        return Err(malformed("All samples have one size."));
    }
    let count = entries(&mut table, 4)?;
    let sizes: Vec<u32> = (0..count).map(|_| table.u32()).collect::<Result<_>>()?;
    if sizes.contains(&0) {
        return Err(malformed("A sample is empty."));
    }
    Ok(sizes)
}

/// Pairs of a run's length and its value, as one value for each of `count` samples.
fn runs(mut table: Reader<'_>, count: usize) -> Result<Vec<u32>> {
    table.version_and_flags()?;
    let mut values = Vec::with_capacity(count);
    for _ in 0..entries(&mut table, 8)? {
        let (run, value) = (table.u32()? as usize, table.u32()?);
        if run > count - values.len() {
            return Err(malformed("The tables disagree on the number of samples."));
        }
        values.extend(std::iter::repeat_n(value, run));
    }
    if values.len() != count {
        return Err(malformed("The tables disagree on the number of samples."));
    }
    Ok(values)
}

fn durations(table: Reader<'_>, count: usize) -> Result<Vec<u32>> {
    let durations = runs(table, count)?;
    if durations.iter().any(|&duration| duration == 0 || duration > i32::MAX as u32) {
        return Err(malformed("A sample has no duration."));
    }
    Ok(durations)
}

fn composition_offsets(table: Reader<'_>, count: usize) -> Result<Vec<u32>> {
    let offsets = runs(table, count)?;
    if offsets.iter().any(|&offset| offset > i32::MAX as u32) {
        return Err(malformed("A sample is shown before it is decoded."));
    }
    Ok(offsets)
}

fn sync_samples(mut table: Reader<'_>) -> Result<Vec<u32>> {
    table.version_and_flags()?;
    let syncs: Vec<u32> = (0..entries(&mut table, 4)?).map(|_| table.u32()).collect::<Result<_>>()?;
    if syncs.windows(2).any(|pair| pair[0] >= pair[1]) {
        return Err(malformed("The sync samples are not in order."));
    }
    Ok(syncs)
}

/// Where each sample lies, from the chunks (`stsc`, `stco` or `co64`).
fn offsets(stbl: Reader<'_>, sizes: &[u32]) -> Result<Vec<u64>> {
    let chunks = if let Some(found) = stbl.find_box(b"co64")? {
        let mut table = found.payload;
        table.version_and_flags()?;
        (0..entries(&mut table, 8)?).map(|_| table.u64()).collect::<Result<Vec<u64>>>()?
    } else {
        let mut table = need(stbl, *b"stco")?;
        table.version_and_flags()?;
        (0..entries(&mut table, 4)?).map(|_| table.u32().map(u64::from)).collect::<Result<Vec<u64>>>()?
    };
    let mut table = need(stbl, *b"stsc")?;
    table.version_and_flags()?;
    let mut runs = Vec::new();
    for _ in 0..entries(&mut table, 12)? {
        let (first, samples, _) = (table.u32()? as usize, table.u32()? as usize, table.u32()?);
        runs.push((first, samples));
    }
    if runs.first().is_none_or(|&(first, _)| first != 1) || runs.windows(2).any(|pair| pair[0].0 >= pair[1].0) {
        return Err(malformed("The chunks are not in order."));
    }
    let mut offsets = Vec::with_capacity(sizes.len());
    let mut run = 0;
    for (n, &chunk) in chunks.iter().enumerate() {
        if runs.get(run + 1).is_some_and(|&(first, _)| first == n + 1) {
            run += 1;
        }
        let mut offset = chunk;
        let samples = runs.get(run).map_or(0, |&(_, samples)| samples);
        for &bytes in sizes.iter().skip(offsets.len()).take(samples) {
            offsets.push(offset);
            offset = offset.checked_add(u64::from(bytes)).ok_or_else(|| malformed("A chunk has no end."))?;
        }
    }
    if offsets.len() != sizes.len() {
        return Err(malformed("The chunks hold fewer samples than there are."));
    }
    Ok(offsets)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed(kind: [u8; 4], payload: &[u8]) -> Vec<u8> {
        [&(payload.len() as u32 + 8).to_be_bytes()[..], &kind, payload].concat()
    }

    fn words(words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_be_bytes()).collect()
    }

    /// Four samples in two chunks, shown in the order 0 2 1 3, the first at 1000 of its media.
    fn moov(edit: &[u32], stsc: &[u32]) -> Vec<u8> {
        let table = [
            boxed(*b"stsd", &[words(&[0, 1]), boxed(*b"avc1", &[])].concat()),
            boxed(*b"stts", &words(&[0, 1, 4, 500])),
            boxed(*b"ctts", &words(&[0, 4, 1, 1000, 1, 1500, 1, 500, 1, 1000])),
            boxed(*b"stss", &words(&[0, 1, 1])),
            boxed(*b"stsz", &words(&[0, 0, 4, 10, 20, 30, 40])),
            boxed(*b"stsc", &words(stsc)),
            boxed(*b"stco", &words(&[0, 2, 5000, 6000])),
        ];
        let media =
            [boxed(*b"mdhd", &words(&[0, 0, 0, 1000, 2000, 0])), boxed(*b"minf", &boxed(*b"stbl", &table.concat()))];
        let track = [
            boxed(*b"tkhd", &words(&[0, 0, 0, 7, 0, 2000])),
            boxed(*b"edts", &boxed(*b"elst", &words(edit))),
            boxed(*b"mdia", &media.concat()),
        ];
        [boxed(*b"mvhd", &words(&[0, 0, 0, 100, 200])), boxed(*b"trak", &track.concat())].concat()
    }

    const EDIT: &[u32] = &[0, 1, 200, 1000, 0x0001_0000];
    const CHUNKS: &[u32] = &[0, 2, 1, 3, 1, 2, 1, 1];

    #[test]
    fn the_tables_say_where_a_sample_lies_and_when_it_is_shown() {
        let found = tracks(Reader::new(&moov(EDIT, CHUNKS)), &[7]).unwrap();
        assert_eq!((found.len(), found[0].id, found[0].entry), (1, 7, *b"avc1"));
        let sample = |offset, bytes, pts, is_sync| MovieSample { offset, bytes, duration: 500, pts, is_sync };
        assert_eq!(
            found[0].samples,
            [
                sample(5000, 10, 0, true),
                sample(5010, 20, 1000, false),
                sample(5030, 30, 500, false),
                sample(6000, 40, 1500, false)
            ]
        );
        assert!(tracks(Reader::new(&moov(EDIT, CHUNKS)), &[8]).unwrap().is_empty());
    }

    #[test]
    fn what_is_not_plain_is_somebody_elses() {
        for (edit, chunks) in [
            (&[0, 2, 40, u32::MAX, 0x0001_0000, 160, 1000, 0x0001_0000][..], CHUNKS),
            (&[0, 1, 150, 1000, 0x0001_0000], CHUNKS), // ends with the beginning of the last picture
            (&[0, 1, 200, 1000, 0x0002_0000], CHUNKS), // twice as fast
            (&[0, 1, 200, u32::MAX, 0x0001_0000], CHUNKS),
            (EDIT, &[0, 1, 1, 1, 1]), // a chunk too few
            (EDIT, &[0, 1, 2, 4, 1]), // no first chunk
            (EDIT, &[0, 0x1000_0000, 1, 4, 1]),
        ] {
            assert!(tracks(Reader::new(&moov(edit, chunks)), &[7]).is_err(), "{edit:?} {chunks:?}");
        }
    }

    #[test]
    fn no_bytes_make_it_panic() {
        let whole = moov(EDIT, CHUNKS);
        for at in 0..whole.len() {
            let _ = tracks(Reader::new(&whole[..at]), &[7]);
            for value in [0, 1, 0x7f, 0xff] {
                let mut bent = whole.clone();
                bent[at] = value;
                let _ = tracks(Reader::new(&bent), &[7]);
            }
        }
    }
}
