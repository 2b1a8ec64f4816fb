//! What it brings to measure how hard a film is: the bits of a ladder whose caps were measured, beside the bits that the
//! caps of an ordinary film would need for the same SSIM.

use std::fs;
use std::path::Path;

use marquee::packager::job::{Encoding, FilmReader};

use crate::run::{self, ffmpeg, measure, text};

/// Seconds of each film.
const LENGTH: &str = "30";
/// Caps of the fixed ladder between which the bits at the same SSIM are looked for.
const CAPS: [f64; 4] = [0.4, 0.7, 1.0, 1.5];

pub fn run(film: &Path, folder: &Path) {
    println!("\ncomplexity: the lower rungs of {LENGTH} s of each film, measured caps beside fixed ones");
    let cartoon = "testsrc2=size=1280x720:rate=24:duration=30";
    let hard = "mandelbrot=size=1280x720:rate=24:maxiter=300,noise=alls=24:allf=t";
    let made = [("flat.mp4", cartoon), ("noise.mp4", hard)];
    let mut films = vec![film.to_owned()];
    for (name, graph) in made {
        let to = folder.join(name);
        let encode = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "12", "-g", "48", "-pix_fmt", "yuv420p"];
        measure(&mut ffmpeg(&[&["-f", "lavfi", "-i", graph, "-t", LENGTH][..], &encode, &[text(&to)]].concat()));
        films.push(to);
    }
    for film in &films {
        println!("  {}", film.file_name().unwrap().to_string_lossy());
        let (measured, fixed) = (folder.join("measured"), folder.join("fixed"));
        run::job(film, &measured, Encoding::Ladder, FilmReader::Marquee);
        run::job(film, &fixed, Encoding::FixedLadder, FilmReader::Marquee);
        for (id, width, height) in encoded(&measured) {
            let point = |folder: &Path| {
                let track = folder.join(format!("{id}.mp4"));
                (run::ssim(&track, film, width, height), fs::metadata(&track).unwrap().len() as f64)
            };
            let ((ssim, bytes), (fixed_ssim, fixed_bytes)) = (point(&measured), point(&fixed));
            let mut curve = vec![(fixed_ssim, fixed_bytes)];
            for cap in CAPS {
                let ordinary = marquee::packager::ladder::lower_rungs(1920, 1080);
                let cap_bits =
                    ordinary.iter().find(|rung| rung.id == id).map_or(800_000.0, |rung| rung.max_bits_per_s as f64);
                let track = folder.join("capped.mp4");
                let scale = format!("scale={width}:{height}:flags=bicubic,format=yuv420p");
                let mut command = ffmpeg(&["-i", text(film), "-map", "0:v:0", "-vf", &scale]);
                run::encode_as_we_do(&mut command, (cap_bits * cap) as u64);
                measure(command.arg(&track));
                curve.push((run::ssim(&track, film, width, height), fs::metadata(&track).unwrap().len() as f64));
            }
            let at_equal = bytes_at(&curve, ssim);
            println!(
                "    {id:<6} measured {:5.0} kbit/s SSIM {ssim:.4}; fixed {:5.0} kbit/s SSIM {fixed_ssim:.4}; bits at equal SSIM {}",
                bytes * 8.0 / 30_000.0,
                fixed_bytes * 8.0 / 30_000.0,
                at_equal.map_or("beyond the caps tried".to_owned(), |fixed| format!("{:.3} × fixed", bytes / fixed))
            );
        }
    }
}

/// The encoded rungs of a package.
fn encoded(folder: &Path) -> Vec<(String, u32, u32)> {
    let index = fs::read(folder.join("index.json")).unwrap();
    let index = marquee::media::rendition::AssetIndex::from_json(&index).unwrap();
    let mut rungs: Vec<_> = index.video().map(|(track, video)| (track.id.clone(), video.width, video.height)).collect();
    rungs.remove(0);
    rungs
}

/// Where a curve of SSIM and bytes has this SSIM, between its points; none beyond them.
fn bytes_at(curve: &[(f64, f64)], ssim: f64) -> Option<f64> {
    let mut points = curve.to_vec();
    points.sort_by(|a, b| a.1.total_cmp(&b.1));
    if let Some(point) = points.iter().find(|point| (point.0 - ssim).abs() < 5e-5) {
        return Some(point.1);
    }
    points.windows(2).find_map(|pair| {
        let [(low, few), (high, many)] = [pair[0], pair[1]];
        let share = (ssim - low) / (high - low);
        (high > low && (0.0..=1.0).contains(&share)).then(|| few * (many / few).powf(share))
    })
}
