//! The picture of conformance: every protection, played or read by every client that is not ours. What a client cannot
//! do is in the table too, with the reason, and fails here when it begins to work.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use marquee::base::id::TitleId;
use marquee::rights::avail::LicenseType;
use url::Url;

use crate::server::Server;
use crate::{composed, film};

/// A client that hangs has failed; one that is expected to fail is not waited for as long.
const PATIENCE: Duration = Duration::from_secs(60);
const PATIENCE_WITH_FAILURE: Duration = Duration::from_secs(5);
const CARD_S: u32 = composed::CARD_MS as u32 / 1_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Protection {
    Clear,
    Aes128,
    Cbcs,
}

const PROTECTIONS: [Protection; 3] = [Protection::Clear, Protection::Aes128, Protection::Cbcs];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Timeline {
    /// The film.
    Plain,
    /// The film behind its release card: a clear asset, a discontinuity, another init segment.
    Composed,
}

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

/// Why a client does not play what it is given, and a part of what it then says where it does not hang.
struct Failure {
    reason: &'static str,
    said: &'static str,
}

/// `None` where the client must play it.
fn expected_failure(client: Client, protection: Protection, timeline: Timeline) -> Option<Failure> {
    let failure = |reason, said| Some(Failure { reason, said });
    match (client, protection, timeline) {
        (Client::Gstreamer, Protection::Aes128 | Protection::Cbcs, Timeline::Plain) => {
            failure("its hlsdemux2 cannot tell the type of fMP4 under a key", "Could not determine type of stream")
        }
        (Client::Gstreamer, Protection::Clear, Timeline::Composed) => {
            failure("its hlsdemux2 does not put the times of a clip behind the clip before it", "at Some(23.99")
        }
        (Client::Gstreamer, _, Timeline::Composed) => {
            failure("its hlsdemux2 crashes where a key begins after a clear clip", "signal: 11")
        }
        (Client::Ffmpeg, _, Timeline::Composed) => {
            failure("it reads one init segment of a playlist and skips the next", "Found duplicated MOOV Atom")
        }
        (Client::Mpv, _, Timeline::Composed) => {
            failure("it plays by FFmpeg, which skips the second init segment", "instead of 29 s")
        }
        (Client::HlsM3u8, Protection::Aes128 | Protection::Cbcs, Timeline::Composed) => failure(
            "it takes a rule about playlists of I-frames for one about all independent segments: a key for each or none",
            "if any independent segment is encrypted with Aes128, all must be",
        ),
        (Client::ShiguredoMp4, Protection::Aes128, _) => {
            failure("it reads files and asks for no key", "expected moof box")
        }
        _ => None,
    }
}

/// What is played: its address, and what its client must find.
struct Presentation<'a> {
    url: String,
    server: &'a Server,
    protection: Protection,
    timeline: Timeline,
}

async fn run(program: &str, args: &[&str]) -> Result<String, String> {
    let mut command = tokio::process::Command::new(program);
    command.args(args).stdin(Stdio::null()).kill_on_drop(true);
    let output = command.output().await.map_err(|error| format!("{program} does not run: {error}"))?;
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

/// What a reader of a media playlist found in it.
#[derive(Default)]
struct Listed {
    duration_s: f64,
    discontinuities: usize,
    methods: BTreeSet<String>,
}

impl Presentation<'_> {
    fn duration_s(&self) -> u32 {
        match self.timeline {
            Timeline::Plain => film::DURATION_S,
            Timeline::Composed => CARD_S + film::DURATION_S,
        }
    }

    /// What was said follows in the error, for it to say why.
    fn reaches(&self, end: Option<f64>, said: &str) -> Result<(), String> {
        let wanted = f64::from(self.duration_s());
        match end {
            Some(end) if (wanted - 0.2..=wanted + 0.2).contains(&end) => Ok(()),
            other => Err(format!("the end is at {other:?} instead of {wanted} s: {said}")),
        }
    }

    /// Every playlist was read as it is meant.
    fn is_as(&self, listed: &[Listed]) -> Result<(), String> {
        for playlist in listed {
            self.reaches(Some(playlist.duration_s), "the sum of a playlist")?;
            let wanted = usize::from(self.timeline == Timeline::Composed);
            if playlist.discontinuities != wanted {
                return Err(format!("{} discontinuities instead of {wanted}", playlist.discontinuities));
            }
        }
        let methods: BTreeSet<&str> =
            listed.iter().flat_map(|one| &one.methods).map(String::as_str).filter(|it| *it != "NONE").collect();
        // Words are sealed whole.
        let wanted = match self.protection {
            Protection::Clear => BTreeSet::new(),
            Protection::Aes128 => BTreeSet::from(["AES-128"]),
            Protection::Cbcs => BTreeSet::from(["AES-128", "SAMPLE-AES"]),
        };
        if methods == wanted { Ok(()) } else { Err(format!("methods {methods:?} instead of {wanted:?}")) }
    }

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
                let args = ["-v", "warning", "-xerror", "-stats_period", "60", "-progress", "-", "-i", url];
                let hashed = ["-map", "0:v", "-map", "0:a", "-f", "streamhash", "-hash", "md5", "-"];
                let said = run("ffmpeg", &[&args[..], &hashed].concat()).await?;
                let frames = last_after(&said, "frame=");
                if frames != Some(f64::from(self.duration_s()) * 24.0) {
                    return Err(format!("{frames:?} pictures: {said}"));
                }
                if self.timeline == Timeline::Plain {
                    let file = film::packaged().await.dir.join("v360.mp4");
                    let args = ["-v", "error", "-i", file.to_str().unwrap(), "-f", "streamhash", "-hash", "md5", "-"];
                    let pictures = run("ffmpeg", &args).await?;
                    if !said.contains(pictures.trim()) {
                        return Err(format!("the pictures are not {pictures}: {said}"));
                    }
                }
                self.reaches(last_after(&said, "out_time="), &said)
            }
            Client::Gstreamer => {
                let uri = format!("uri={url}");
                let sink = |name: &str| format!("{name}=fakesink name={} sync=false silent=false", &name[..1]);
                let (video, audio) = (sink("video-sink"), sink("audio-sink"));
                // `-f`: where it crashes, it ends.
                let args = ["-v", "-f", "playbin3", "flags=video+audio", &uri, &video, &audio];
                let said = run("gst-launch-1.0", &args).await?;
                for sink in ["v:sink) (", "a:sink) ("] {
                    let last = said.lines().rfind(|line| line.contains(sink)).unwrap_or_default();
                    let end = last_after(last, "pts: ").zip(last_after(last, "duration: ")).map(|(at, long)| at + long);
                    self.reaches(end, last)?;
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
                let args = [
                    "--no-config",
                    "--vo=null",
                    "--ao=null",
                    "--ao-null-untimed",
                    "--untimed",
                    "--msg-level=all=error,times=info",
                ];
                let said = run("mpv", &[&args[..], &[&script, url]].concat()).await?;
                if !said.contains("ended by eof") {
                    return Err(said);
                }
                self.reaches(last_after(&said, "at "), &said)
            }
            Client::M3u8Rs => {
                let main = self.fetched(url).await;
                let (_, main) = m3u8_rs::parse_master_playlist(&main).map_err(|error| error.to_string())?;
                let media =
                    main.variants.iter().filter(|variant| !variant.is_i_frame).map(|variant| variant.uri.clone());
                let mut listed = Vec::new();
                for uri in media.chain(main.alternatives.iter().filter_map(|group| group.uri.clone())) {
                    let media = self.fetched(&self.below(&uri)).await;
                    let (_, media) = m3u8_rs::parse_media_playlist(&media).map_err(|error| error.to_string())?;
                    let keys = media.segments.iter().filter_map(|segment| segment.key.as_ref());
                    listed.push(Listed {
                        duration_s: media.segments.iter().map(|segment| f64::from(segment.duration)).sum(),
                        discontinuities: media.segments.iter().filter(|segment| segment.discontinuity).count(),
                        methods: keys.map(|key| key.method.to_string()).collect(),
                    });
                }
                self.is_as(&listed)
            }
            Client::HlsM3u8 => {
                let main = String::from_utf8(self.fetched(url).await).unwrap();
                let main = hls_m3u8::MasterPlaylist::try_from(main.as_str()).map_err(|error| error.to_string())?;
                let uris = main.variant_streams.iter().filter_map(|stream| match stream {
                    hls_m3u8::tags::VariantStream::ExtXStreamInf { uri, .. } => Some(uri.to_string()),
                    hls_m3u8::tags::VariantStream::ExtXIFrame { .. } => None,
                });
                let mut listed = Vec::new();
                for uri in uris.chain(main.media.iter().filter_map(|media| media.uri().map(ToString::to_string))) {
                    let media = String::from_utf8(self.fetched(&self.below(&uri)).await).unwrap();
                    let media =
                        hls_m3u8::MediaPlaylist::try_from(media.as_str()).map_err(|error| format!("{uri}: {error}"))?;
                    let segments = || media.segments.values();
                    let method = |key: &hls_m3u8::tags::ExtXKey<'_>| {
                        key.0.as_ref().map_or("NONE".to_owned(), |key| key.method.to_string())
                    };
                    listed.push(Listed {
                        duration_s: media.duration().as_secs_f64(),
                        discontinuities: segments().filter(|segment| segment.has_discontinuity).count(),
                        methods: segments().flat_map(|segment| &segment.keys).map(method).collect(),
                    });
                }
                self.is_as(&listed)
            }
            Client::PythonM3u8 => {
                let script = "import sys, m3u8\nmain = m3u8.load(sys.argv[1])\n\
                    uris = [p.absolute_uri for p in main.playlists] + [m.absolute_uri for m in main.media if m.uri]\n\
                    assert main.is_variant and uris\n\
                    for media in map(m3u8.load, uris):\n \
                    print(sum(s.duration for s in media.segments), sum(s.discontinuity for s in media.segments), \
                    *{key.method for key in media.keys if key})";
                let said = run(python().to_str().unwrap(), &["-c", script, url]).await?;
                let listed = said.lines().map(|line| {
                    let mut words = line.split(' ');
                    Some(Listed {
                        duration_s: words.next()?.parse().ok()?,
                        discontinuities: words.next()?.parse().ok()?,
                        methods: words.map(ToOwned::to_owned).collect(),
                    })
                });
                self.is_as(&listed.collect::<Option<Vec<_>>>().ok_or(said.clone())?)
            }
            Client::ShiguredoMp4 => {
                let main = String::from_utf8(self.fetched(url).await).unwrap();
                let media = main
                    .split(['\n', '"'])
                    .filter(|word| !word.contains("iframes") && !word.starts_with('#') && word.contains(".m3u8"));
                for uri in media.collect::<BTreeSet<_>>() {
                    let base = Url::parse(&self.below(uri)).unwrap();
                    let media = String::from_utf8(self.fetched(base.as_str()).await).unwrap();
                    let mut init = None;
                    for line in media.lines() {
                        if let Some(map) = line.strip_prefix("#EXT-X-MAP:URI=") {
                            init = Some(self.fetched(base.join(map.trim_matches('"')).unwrap().as_str()).await);
                        } else if !line.starts_with('#')
                            && let Some(init) = &init
                        {
                            let segment = self.fetched(base.join(line).unwrap().as_str()).await;
                            demuxed(init, &segment).map_err(|error| format!("{uri}, {line}: {error}"))?;
                        }
                    }
                }
                Ok(())
            }
        }
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

/// A title that is to be played so, by somebody who may watch it.
async fn opened(server: &Server, protection: Protection, timeline: Timeline) -> Presentation<'_> {
    let viewer = server.viewer(&format!("{protection:?}-{timeline:?}")).await;
    let title: TitleId = match protection {
        Protection::Clear => {
            let title = server.title(server.asset().await).await;
            server.avail(title, LicenseType::Avod, None).await;
            title
        }
        Protection::Aes128 | Protection::Cbcs => {
            let (title, offer) = server.pvod().await;
            server.buy(&viewer, offer).await;
            title
        }
    };
    if protection == Protection::Cbcs {
        server.seal_with_cbcs(title).await;
    }
    if timeline == Timeline::Composed {
        composed::license(server, title).await;
    }
    let url = format!("{}{}", server.base, server.play(&viewer, title).await);
    // A key of a film is given out once its card has been shown.
    if timeline == Timeline::Composed {
        server.sim.advance(Duration::from_secs(CARD_S.into()));
    }
    Presentation { url, server, protection, timeline }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_client_plays_every_presentation_or_fails_for_the_reason_that_is_written_down() {
    // None of these clients says where it is.
    let server = Server::start_with(|config| {
        config.place.country_header = None;
        config.place.default_territory = Some("CN".parse().unwrap());
    })
    .await;
    let mut wrong = Vec::new();
    for (protection, timeline) in
        PROTECTIONS.into_iter().flat_map(|it| [(it, Timeline::Plain), (it, Timeline::Composed)])
    {
        let presentation = opened(&server, protection, timeline).await;
        for client in CLIENTS {
            let cell = format!("{client:?}, {protection:?}, {timeline:?}");
            let expected = expected_failure(client, protection, timeline);
            let patience = if expected.is_some() { PATIENCE_WITH_FAILURE } else { PATIENCE };
            let result = tokio::time::timeout(patience, presentation.by(client)).await;
            match (result, expected) {
                (Ok(Ok(())), None) => println!("{cell}: plays"),
                (Err(_), Some(Failure { reason, .. })) => println!("{cell}: {reason}; it hung"),
                (Ok(Err(error)), Some(Failure { reason, said })) if error.contains(said) => {
                    println!("{cell}: {reason}");
                }
                (Ok(Ok(())), Some(Failure { reason, .. })) => wrong.push(format!("{cell} plays now: {reason}?")),
                (Ok(Err(error)), _) => wrong.push(format!("{cell} fails: {error}")),
                (Err(_), None) => wrong.push(format!("{cell} hangs")),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    server.stop().await;
}
