//! The picture of conformance: every protection, played or read by every client that is not ours. What a client cannot
//! do is in the table too, with the reason, and fails here when it begins to work.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use marquee::base::id::TitleId;
use marquee::media::rendition::AssetIndex;
use marquee::rights::avail::LicenseType;

use crate::film;
use crate::server::Server;

/// A client that hangs has failed.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Protection {
    Clear,
    Aes128,
}

const PROTECTIONS: [Protection; 2] = [Protection::Clear, Protection::Aes128];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Client {
    Ffmpeg,
    Gstreamer,
    Mpv,
    M3u8Rs,
    HlsM3u8,
    PythonM3u8,
    ShiguredoMp4,
}

const CLIENTS: [Client; 7] = [
    Client::Ffmpeg,
    Client::Gstreamer,
    Client::Mpv,
    Client::M3u8Rs,
    Client::HlsM3u8,
    Client::PythonM3u8,
    Client::ShiguredoMp4,
];

/// Why a client does not play what it is given; `None` where it must.
fn expected_failure(client: Client, protection: Protection) -> Option<&'static str> {
    match (client, protection) {
        (Client::Gstreamer, Protection::Aes128) => {
            Some("its hlsdemux2 1.22 cannot tell the type of fMP4 under AES-128")
        }
        (Client::ShiguredoMp4, Protection::Aes128) => Some("it reads files and asks for no key"),
        _ => None,
    }
}

/// What is played: its address, and what its client must find.
struct Presentation<'a> {
    url: String,
    index: &'a AssetIndex,
    server: &'a Server,
}

async fn run(program: &str, args: &[&str]) -> Result<String, String> {
    let mut command = tokio::process::Command::new(program);
    command.args(args).stdin(Stdio::null()).kill_on_drop(true);
    let ended = tokio::time::timeout(PATIENCE, command.output()).await.map_err(|_| "it did not end".to_owned())?;
    let output = ended.map_err(|error| format!("{program} does not run: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    if output.status.success() { Ok(format!("{out}{err}")) } else { Err(format!("{}: {out}{err}", output.status)) }
}

/// The last time that is said after `label`, in seconds.
fn last_after(text: &str, label: &str) -> Option<f64> {
    let said = text.rmatch_indices(label).next()?.0 + label.len();
    let word: String = text[said..].chars().take_while(|c| c.is_ascii_digit() || matches!(c, '.' | ':')).collect();
    // Hours, minutes and seconds, or seconds alone.
    word.split(':').try_fold(0.0, |sum, part| Some(sum * 60.0 + part.parse::<f64>().ok()?))
}

fn reaches(end: Option<f64>, what: &str) -> Result<(), String> {
    let wanted = f64::from(film::DURATION_S);
    match end {
        Some(end) if (wanted - 0.2..=wanted + 0.2).contains(&end) => Ok(()),
        other => Err(format!("{what} ends at {other:?} instead of {wanted} s")),
    }
}

impl Presentation<'_> {
    async fn fetched(&self, url: &str) -> Vec<u8> {
        let answer = self.server.client.get(url).send().await.unwrap();
        assert!(answer.status().is_success(), "{url}: {}", answer.status());
        answer.bytes().await.unwrap().to_vec()
    }

    fn below(&self, uri: &str) -> String {
        self.url.replace("main.m3u8", uri)
    }

    async fn by(&self, client: Client) -> Result<(), String> {
        let url = self.url.as_str();
        match client {
            Client::Ffmpeg => {
                let args = ["-v", "error", "-xerror", "-stats_period", "60", "-progress", "-", "-i", url];
                let said =
                    run("ffmpeg", &[&args[..], &["-map", "0:v", "-map", "0:a", "-f", "null", "-"]].concat()).await?;
                let frames = last_after(&said, "frame=");
                if frames != Some(f64::from(film::DURATION_S) * 24.0) {
                    return Err(format!("{frames:?} pictures: {said}"));
                }
                reaches(last_after(&said, "out_time="), "the film")
            }
            Client::Gstreamer => {
                let uri = format!("uri={url}");
                let sink = |name: &str| format!("{name}=fakesink name={} sync=false silent=false", &name[..1]);
                let (video, audio) = (sink("video-sink"), sink("audio-sink"));
                let said = run("gst-launch-1.0", &["-v", "playbin3", &uri, &video, &audio]).await?;
                for (sink, what) in [("v:sink) (", "the picture"), ("a:sink) (", "the sound")] {
                    let last = said.lines().rfind(|line| line.contains(sink)).unwrap_or_default();
                    let end = last_after(last, "pts: ").zip(last_after(last, "duration: ")).map(|(at, long)| at + long);
                    reaches(end, what)?;
                }
                Ok(())
            }
            Client::Mpv => {
                let root = tempfile::tempdir().unwrap();
                let script = root.path().join("times.lua");
                let says = "mp.observe_property('time-pos', 'number', function(_, at) if at then print('at ' .. at) end end)\n\
                    mp.register_event('end-file', function(event) print('ended by ' .. event.reason) end)";
                std::fs::write(&script, says).unwrap();
                let script = format!("--script={}", script.display());
                let args = ["--no-config", "--vo=null", "--ao=null", "--untimed", "--msg-level=all=error,times=info"];
                let said = run("mpv", &[&args[..], &[&script, url]].concat()).await?;
                if !said.contains("ended by eof") {
                    return Err(said);
                }
                reaches(last_after(&said, "at "), "the picture")
            }
            Client::M3u8Rs => {
                let main = self.fetched(url).await;
                let (_, main) = m3u8_rs::parse_master_playlist(&main).map_err(|error| error.to_string())?;
                let media =
                    main.variants.iter().filter(|variant| !variant.is_i_frame).map(|variant| variant.uri.clone());
                for uri in media.chain(main.alternatives.iter().filter_map(|group| group.uri.clone())) {
                    let media = self.fetched(&self.below(&uri)).await;
                    let (_, media) = m3u8_rs::parse_media_playlist(&media).map_err(|error| error.to_string())?;
                    reaches(Some(media.segments.iter().map(|segment| f64::from(segment.duration)).sum()), &uri)?;
                }
                Ok(())
            }
            Client::HlsM3u8 => {
                let main = String::from_utf8(self.fetched(url).await).unwrap();
                let main = hls_m3u8::MasterPlaylist::try_from(main.as_str()).map_err(|error| error.to_string())?;
                let uris = main.variant_streams.iter().filter_map(|stream| match stream {
                    hls_m3u8::tags::VariantStream::ExtXStreamInf { uri, .. } => Some(uri.to_string()),
                    hls_m3u8::tags::VariantStream::ExtXIFrame { .. } => None,
                });
                for uri in uris.chain(main.media.iter().filter_map(|media| media.uri().map(ToString::to_string))) {
                    let media = String::from_utf8(self.fetched(&self.below(&uri)).await).unwrap();
                    let media =
                        hls_m3u8::MediaPlaylist::try_from(media.as_str()).map_err(|error| format!("{uri}: {error}"))?;
                    reaches(Some(media.duration().as_secs_f64()), &uri)?;
                }
                Ok(())
            }
            Client::PythonM3u8 => {
                let script = "import sys, m3u8\nmain = m3u8.load(sys.argv[1])\n\
                    uris = [p.absolute_uri for p in main.playlists] + [m.absolute_uri for m in main.media if m.uri]\n\
                    assert main.is_variant and uris\n\
                    for uri in uris: print('sum', sum(s.duration for s in m3u8.load(uri).segments))";
                let said = run(python().to_str().unwrap(), &["-c", script, url]).await?;
                for line in said.lines() {
                    reaches(last_after(line, "sum "), line)?;
                }
                Ok(())
            }
            Client::ShiguredoMp4 => {
                for track in self.index.tracks.iter().filter(|track| !track.is_text()) {
                    let base = self.playlist_of(&track.id).await;
                    let folder = base.trim_end_matches(".m3u8");
                    let init = self.fetched(&format!("{folder}/init.mp4")).await;
                    for n in 0..track.segments.len() {
                        let segment = self.fetched(&format!("{folder}/{n}.m4s")).await;
                        demuxed(&init, &segment).map_err(|error| format!("{} {n}: {error}", track.id))?;
                    }
                }
                Ok(())
            }
        }
    }

    /// The address of a track's media playlist.
    async fn playlist_of(&self, track: &str) -> String {
        let main = String::from_utf8(self.fetched(&self.url).await).unwrap();
        let name = format!("{track}.m3u8");
        let uri = main.split(['\n', '"']).find(|word| word.ends_with(&name)).unwrap();
        self.below(uri)
    }
}

/// The Python that has the package m3u8, where `./dev test` puts it.
fn python() -> PathBuf {
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join(".toolchain/python/bin/python");
    if ours.exists() { ours } else { "python3".into() }
}

fn demuxed(init: &[u8], segment: &[u8]) -> Result<(), String> {
    let mut demuxer = shiguredo_mp4::demux::Fmp4SegmentDemuxer::new();
    demuxer.handle_init_segment(init).map_err(|error| error.to_string())?;
    let samples = demuxer.handle_media_segment(segment).map_err(|error| error.to_string())?;
    if samples.is_empty() { Err("no sample".to_owned()) } else { Ok(()) }
}

/// A title under this protection, and somebody who may watch it.
async fn opened(server: &Server, protection: Protection) -> String {
    let viewer = server.viewer(&format!("{protection:?}")).await;
    let title: TitleId = match protection {
        Protection::Clear => {
            let title = server.title(server.asset().await).await;
            server.avail(title, LicenseType::Avod, None).await;
            title
        }
        Protection::Aes128 => {
            let (title, offer) = server.pvod().await;
            server.buy(&viewer, offer).await;
            title
        }
    };
    format!("{}{}", server.base, server.play(&viewer, title).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_client_plays_every_protection_or_fails_for_the_reason_that_is_written_down() {
    // None of these clients says where it is.
    let server = Server::start_with(|config| {
        config.place.country_header = None;
        config.place.default_territory = Some("CN".parse().unwrap());
    })
    .await;
    let index = &film::packaged().await.index;
    let mut wrong = Vec::new();
    for protection in PROTECTIONS {
        let url = opened(&server, protection).await;
        let presentation = Presentation { url, index, server: &server };
        for client in CLIENTS {
            let result = presentation.by(client).await;
            let expected = expected_failure(client, protection);
            println!(
                "{client:?}, {protection:?}: {}",
                if result.is_ok() { "plays" } else { expected.unwrap_or("FAILS") }
            );
            match (result, expected) {
                (Ok(()), None) | (Err(_), Some(_)) => {}
                (Ok(()), Some(reason)) => wrong.push(format!("{client:?} plays {protection:?} now: {reason}?")),
                (Err(error), None) => wrong.push(format!("{client:?} does not play {protection:?}: {error}")),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    server.stop().await;
}
