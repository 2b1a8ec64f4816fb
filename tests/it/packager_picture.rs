//! What the packager makes of a picture: films whose every patch is known, and what the patches are in the rungs and on
//! the poster.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use marquee::packager::job::Encoding;

use crate::packager::{film, output, package};

/// A film of a fifth of a second and 320×240 pixels, made by FFmpeg of the colours that `geq` says.
fn make(path: &Path, pixel: &str, patches: &str, encoder: &[&str]) -> PathBuf {
    let source = format!("color=black:size=320x240:rate=25:duration=0.2,format={pixel},geq={patches}");
    let mut args = vec!["-v", "error", "-y", "-f", "lavfi", "-i", &source];
    args.extend_from_slice(encoder);
    args.push(path.to_str().unwrap());
    output("ffmpeg", &args);
    path.to_owned()
}

/// Four upright bars of these values.
fn bars(codes: [u32; 4]) -> String {
    let [first, second, third, fourth] = codes;
    format!("lum='if(lt(X,80),{first},if(lt(X,160),{second},if(lt(X,240),{third},{fourth})))':cb=512:cr=512")
}

/// The first picture of `file` as 8-bit Y, Cb and Cr at these points.
fn at<const N: usize>(file: &Path, size: (usize, usize), points: [(usize, usize); N]) -> [[u8; 3]; N] {
    let done = Command::new("ffmpeg")
        .args(["-v", "error", "-i", file.to_str().unwrap(), "-frames:v", "1"])
        .args(["-vf", "scale=sws_flags=neighbor:in_range=tv:out_range=tv,format=yuv444p", "-f", "rawvideo", "-"])
        .output()
        .unwrap();
    assert!(done.status.success() && done.stdout.len() == size.0 * size.1 * 3, "{}: not {size:?}", file.display());
    points.map(|(x, y)| [0, 1, 2].map(|plane| done.stdout[(plane * size.1 + y) * size.0 + x]))
}

fn colours(file: &Path) -> String {
    let entries = "stream=pix_fmt,color_range,color_space,color_transfer,color_primaries";
    output("ffprobe", &["-v", "error", "-show_entries", entries, "-of", "csv=p=0", file.to_str().unwrap()])
        .trim()
        .to_owned()
}

fn assert_near(seen: [[u8; 3]; 4], luma: [u8; 4], what: &str) {
    for (place, [y, cb, cr]) in seen.into_iter().enumerate() {
        assert!(y.abs_diff(luma[place]) <= 4, "{what}: bar {place} has luma {y}, not {}", luma[place]);
        assert!(cb.abs_diff(128) <= 3 && cr.abs_diff(128) <= 3, "{what}: bar {place} is not grey: {cb} {cr}");
    }
}

const X265: &str = "log-level=none:crf=4:colorprim=bt2020:colormatrix=bt2020nc";
const MIDDLES: [(usize, usize); 4] = [(40, 120), (120, 120), (200, 120), (280, 120)];

#[tokio::test(flavor = "multi_thread")]
async fn hdr_greys_of_known_nits_come_out_as_sdr_shows_them() {
    let root = tempfile::tempdir().unwrap();
    // 10, 36.5 (middle grey), 100 and 203 nits in PQ; 300, 502, 721 (203 nits) and 940 (1000 nits) are codes of HLG.
    // An MPEG-TS says nothing of colour, so there the bitstream alone does.
    for (name, transfer, codes, luma, poster) in [
        ("pq.mp4", "smpte2084", [327, 424, 509, 573], [79, 123, 174, 202], [73, 125, 184, 217]),
        // 203 and 1000 nits are darker in a film that goes up to 4000.
        ("4000.mp4", "smpte2084:max-cll=4000,400", [327, 424, 573, 723], [79, 123, 200, 228], [73, 125, 214, 247]),
        ("hlg.ts", "arib-std-b67", [300, 502, 721, 940], [82, 139, 202, 235], [77, 143, 217, 255]),
    ] {
        let params = format!("{X265}:transfer={transfer}");
        let encoder = ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", &params];
        let input = make(&root.path().join(name), "yuv420p10le", &bars(codes), &encoder);
        let out = root.path().join(format!("{name}.out"));
        let packaged = package(&input, &out, Encoding::Ladder).await.unwrap();
        assert!(packaged.warnings.iter().any(|warning| warning.contains("brought down to SDR")), "{name}");
        assert_eq!(colours(&out.join("v240.mp4")), "yuv420p,tv,bt709,bt709,bt709", "{name}");
        assert_near(at(&out.join("v240.mp4"), (320, 240), MIDDLES), luma, name);
        assert_near(at(&out.join("poster.jpg"), (320, 240), MIDDLES), poster, "the poster");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hdr_of_eight_bits_is_not_copied_as_if_it_were_sdr() {
    let root = tempfile::tempdir().unwrap();
    let tags = ["-color_primaries", "bt2020", "-color_trc", "arib-std-b67", "-colorspace", "bt2020nc"];
    let encoder = [&["-c:v", "libx264", "-pix_fmt", "yuv420p"], &tags[..]].concat();
    let input = make(&root.path().join("hlg.mp4"), "yuv420p10le", &bars([300, 502, 721, 940]), &encoder);
    let error = package(&input, &root.path().join("copy"), Encoding::CopyOnly).await.unwrap_err();
    assert!(error.code() == "COPY_NEEDS_ENCODING" && error.message().contains("HDR (HLG)"), "{error:?}");
    let out = root.path().join("out");
    package(&input, &out, Encoding::Ladder).await.unwrap();
    assert_near(at(&out.join("v240.mp4"), (320, 240), MIDDLES), [82, 139, 202, 235], "8-bit HLG");
}

/// Puts a `dvcC` box (Dolby Vision Streams Within the ISO Base Media File Format, 3.2) into the HEVC sample entry.
fn set_dolby_vision(file: &Path, profile: u8, compatibility: u8) {
    let mut bytes = fs::read(file).unwrap();
    let mut record = [0; 32];
    record[..4].copy_from_slice(&32_u32.to_be_bytes());
    record[4..8].copy_from_slice(b"dvcC");
    // Version 1.0; level 6, RPU and base layer present.
    record[8..13].copy_from_slice(&[1, 0, profile << 1, 6 << 3 | 0b101, compatibility << 4]);
    let mut end = 0;
    for kind in [b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"hvc1"] {
        let start = bytes.windows(4).position(|window| window == kind).unwrap() - 4;
        let size = u32::from_be_bytes(bytes[start..start + 4].try_into().unwrap());
        bytes[start..start + 4].copy_from_slice(&(size + 32).to_be_bytes());
        end = start + size as usize;
    }
    bytes.splice(end..end, record);
    fs::write(file, bytes).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn dolby_vision_is_its_base_layer_or_refused() {
    let root = tempfile::tempdir().unwrap();
    let params = format!("{X265}:transfer=smpte2084");
    let encoder = ["-c:v", "libx265", "-preset", "ultrafast", "-tag:v", "hvc1", "-x265-params", &params];
    let input = make(&root.path().join("film.mp4"), "yuv420p10le", &bars([327, 424, 509, 573]), &encoder);
    let [profile_5, profile_8] = ["5.mp4", "8.mp4"].map(|name| {
        fs::copy(&input, root.path().join(name)).unwrap();
        root.path().join(name)
    });
    set_dolby_vision(&profile_5, 5, 0);
    let error = package(&profile_5, &root.path().join("5"), Encoding::Ladder).await.unwrap_err();
    assert!(error.code() == "INPUT_UNSUPPORTED" && error.message().contains("Dolby Vision"), "{error:?}");
    set_dolby_vision(&profile_8, 8, 1);
    let out = root.path().join("8");
    package(&profile_8, &out, Encoding::Ladder).await.unwrap();
    assert_near(at(&out.join("v240.mp4"), (320, 240), MIDDLES), [79, 123, 174, 202], "the base layer");
}

#[tokio::test(flavor = "multi_thread")]
async fn real_hdr_films_are_neither_washed_out_nor_black() {
    for (name, rung, mean) in [
        ("torture/exo-hdr10-video-with-sdr-container.mp4", "v360", 125.0..150.0),
        ("torture/hdr10-hevc-eac3-51.mp4", "v360", 120.0..145.0),
        ("torture/exo-sample_with_colr_mdcv_and_clli.mp4", "v360", 55.0..78.0),
    ] {
        let Some(input) = film(name) else { continue };
        let root = tempfile::tempdir().unwrap();
        let out = root.path().join("out");
        package(&input, &out, Encoding::Ladder).await.unwrap();
        let rung = out.join(format!("{rung}.mp4"));
        assert_eq!(colours(&rung), "yuv420p,tv,bt709,bt709,bt709", "{name}");
        let filter = "signalstats,metadata=print:file=-:key=lavfi.signalstats.YAVG";
        let rung = rung.to_str().unwrap();
        let said = output("ffmpeg", &["-v", "error", "-i", rung, "-vf", filter, "-vsync", "0", "-f", "null", "-"]);
        let means: Vec<f64> = said.lines().filter_map(|line| line.rsplit_once('=')?.1.parse().ok()).collect();
        let seen = means.iter().sum::<f64>() / means.len() as f64;
        assert!(mean.contains(&seen), "{name}: mean luma {seen:.1}, not within {mean:?}");
    }
}

/// Writes a display matrix (its a, b, c and d) into the one video track of an MP4.
fn set_display_matrix(file: &Path, cells: [i32; 4]) {
    let mut bytes = fs::read(file).unwrap();
    let tkhd = bytes.windows(4).position(|window| window == b"tkhd").unwrap();
    // ISO/IEC 14496-12, 8.3.2: the matrix lies 40 bytes behind a type of version 0; u and w of each row stay.
    let matrix = tkhd + 4 + 40;
    for (cell, at) in cells.into_iter().zip([0, 4, 12, 16]) {
        bytes[matrix + at..matrix + at + 4].copy_from_slice(&(cell << 16).to_be_bytes());
    }
    fs::write(file, bytes).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_is_turned_and_mirrored_as_its_display_matrix_says() {
    let root = tempfile::tempdir().unwrap();
    let input = root.path().join("film.mp4");
    let corners = "lum='if(lt(Y,120),if(lt(X,160),40,90),if(lt(X,160),140,190))':cb=128:cr=128";
    make(&input, "yuv420p", corners, &["-c:v", "libx264", "-preset", "ultrafast"]);
    // a b c d, and the corners in reading order: x' = ax + cy, y' = bx + dy.
    for (cells, expected) in [
        ([1, 0, 0, 1], [40, 90, 140, 190]),
        ([0, 1, -1, 0], [140, 40, 190, 90]),
        ([-1, 0, 0, -1], [190, 140, 90, 40]),
        ([0, -1, 1, 0], [90, 190, 40, 140]),
        ([-1, 0, 0, 1], [90, 40, 190, 140]),
        ([1, 0, 0, -1], [140, 190, 40, 90]),
        ([0, 1, 1, 0], [40, 140, 90, 190]),
        ([0, -1, -1, 0], [190, 90, 140, 40]),
    ] {
        set_display_matrix(&input, cells);
        let out = root.path().join(format!("{cells:?}"));
        let packaged = package(&input, &out, Encoding::Ladder).await.unwrap();
        assert_eq!(packaged.copied.is_empty(), cells != [1, 0, 0, 1], "{cells:?}");
        let (wide, high) = if cells[0] == 0 { (240, 320) } else { (320, 240) };
        let (left, right, top, bottom) = (wide / 4, wide * 3 / 4, high / 4, high * 3 / 4);
        let points = [(left, top), (right, top), (left, bottom), (right, bottom)];
        assert_near(at(&out.join("v240.mp4"), (wide, high), points), expected, &format!("{cells:?}"));
        let poster = expected.map(|luma: u8| ((u32::from(luma) - 16) * 255 / 219) as u8);
        assert_near(at(&out.join("poster.jpg"), (wide, high), points), poster, &format!("poster of {cells:?}"));
    }
    set_display_matrix(&input, [1, 1, 0, 1]);
    let error = package(&input, &root.path().join("odd"), Encoding::Ladder).await.unwrap_err();
    assert_eq!(error.code(), "INPUT_UNSUPPORTED");
}

/// The rungs of an RGB film said to be RGB, which they are not: a player that believes it shows green and purple.
#[tokio::test(flavor = "multi_thread")]
async fn an_rgb_film_becomes_yuv_that_says_so() {
    let root = tempfile::tempdir().unwrap();
    let encoder = ["-c:v", "libx264rgb", "-preset", "ultrafast", "-qp", "0"];
    let input = make(&root.path().join("rgb.mp4"), "gbrp", "r=255:g=0:b=0", &encoder);
    let out = root.path().join("out");
    package(&input, &out, Encoding::Ladder).await.unwrap();
    assert!(colours(&out.join("v240.mp4")).starts_with("yuv420p,tv,bt709,"), "{}", colours(&out.join("v240.mp4")));
    let [red] = at(&out.join("v240.mp4"), (320, 240), [(160, 120)]);
    assert!(red.iter().zip([63, 102, 240]).all(|(seen, said)| seen.abs_diff(said) <= 3), "red in BT.709, not {red:?}");
}

/// A JPEG has no room for another matrix than that of BT.601, so a poster of a BT.709 film in BT.709 has pale reds.
#[tokio::test(flavor = "multi_thread")]
async fn a_poster_has_the_matrix_of_a_jpeg_and_not_of_its_film() {
    let root = tempfile::tempdir().unwrap();
    let tags = ["-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709"];
    let encoder = [&["-c:v", "libx264", "-preset", "ultrafast"], &tags[..]].concat();
    let red = "lum=63:cb=102:cr=240";
    let input = make(&root.path().join("red.mp4"), "yuv420p", red, &encoder);
    let out = root.path().join("out");
    package(&input, &out, Encoding::CopyOnly).await.unwrap();
    let [red] = at(&out.join("poster.jpg"), (320, 240), [(160, 120)]);
    assert!(red.iter().zip([76, 85, 255]).all(|(seen, said)| seen.abs_diff(said) <= 5), "red in BT.601, not {red:?}");
}
