//! The whole product as a child of the bench: a server in test mode with one film, sold for 48 hours, bought by one
//! viewer who has opened one session. What is then fetched passes everything that a viewer's request passes: the
//! strict gate, token, session, entitlement, lease, and segments that are AES-128 under a key of their own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use marquee::app::App;
use marquee::base::clock::Clock;
use marquee::base::id::{AssetId, AvailId, OfferId, TitleId};
use marquee::base::money::{Currency, Money};
use marquee::base::territory::TerritorySet;
use marquee::catalog::asset::{Asset, AssetDetails, AssetState};
use marquee::catalog::details::TitleDetails;
use marquee::catalog::title::{Title, TitleStatus};
use marquee::commerce::account::{SignUp, Visit};
use marquee::config::{Config, Mode};
use marquee::http::tls::CertificateFiles;
use marquee::packager::job::{self, Encoding, PackageRequest, Packaged};
use marquee::packager::publish::publish;
use marquee::rights::avail::{Avail, LicenseType};
use marquee::rights::grant::GrantClock;
use marquee::rights::offer::{Offer, OfferKind};
use marquee::rights::window::Window;
use marquee::store::db::account::Bearer;
use serde_json::{Value, json};

use super::Outcome;

const TERRITORY: &str = "CN";
/// The size looked for; the film is made so that its segments come near it.
const SEGMENT_BYTES: u64 = 1_000_000;
/// Between two sync samples, and so the length of a copied segment.
const SEGMENT_S: u32 = 4;
/// So many segments make a media playlist of about 2 KB.
const SEGMENTS: u32 = 54;
/// So much of the film is encoded once and then repeated: only sizes matter here.
const ENCODED_S: u32 = 3 * SEGMENT_S;
/// Above the 64 connections of the bench, all from one address, and of the client that looks at bytes.
const CONNECTIONS_PER_ADDRESS: usize = 1_024;

/// The role of the child: serves until it is killed. Says in four lines where: the bases of HTTP and HTTPS, and the
/// paths of a segment and of a media playlist.
pub fn serve(folder: &Path, certificate: CertificateFiles) -> Outcome<()> {
    // As `marquee serve` does; pinned to one core this is one worker thread, as nginx has one worker process.
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let packaged = package(folder).await?;
        let mut config = Config { mode: Mode::Test, data: folder.join("data"), ..Config::default() };
        config.http.port = 0;
        config.http.https_port = 0;
        config.http.connections_per_address = CONNECTIONS_PER_ADDRESS;
        config.http.certificate_file = Some(certificate.certificate);
        config.http.private_key_file = Some(certificate.key);
        config.place.default_territory = Some(TERRITORY.parse()?);
        let app = App::open(config, Clock::system()).await?;
        let asset = publish_film(&app, &packaged).await?;
        let (title, offer) = sell(&app, asset, &packaged).await?;
        let serving = app.clone().serve()?;
        let base = format!("http://{}", serving.http);
        let token = buy_and_open(&app, &base, title, offer).await?;
        let (track, _) = packaged.index.video().next().ok_or("the film has no picture")?;
        let sizes = track.segments.iter().map(|segment| segment.bytes.abs_diff(SEGMENT_BYTES));
        let (n, _) = sizes.enumerate().min_by_key(|(_, off_by)| *off_by).ok_or("the film has no segments")?;
        println!("{base}\nhttps://{}", serving.https);
        println!("/play/{token}/{asset}/{}/{n}.m4s\n/play/{token}/{asset}/{}.m3u8", track.id, track.id);
        serving.drained().await;
        Ok(())
    })
}

/// A film of [`SEGMENTS`] segments, packaged by the product's own worker without encoding anything.
async fn package(folder: &Path) -> Outcome<Packaged> {
    let film = make_film(folder)?;
    let request =
        PackageRequest::new(env!("CARGO_BIN_EXE_marquee-worker"), &film, folder.join("packaged"), Encoding::CopyOnly);
    let packaged = job::package(request, |_| {}, std::future::pending()).await?;
    fs::remove_file(film)?;
    Ok(packaged)
}

/// The beginning of the film that `MARQUEE_TEST_FILM` names, or of a test picture, at a constant bit rate that fills
/// [`SEGMENT_BYTES`] between two sync samples, repeated to its length.
fn make_film(folder: &Path) -> Outcome<PathBuf> {
    let (piece, film) = (folder.join("piece.mp4"), folder.join("film.mp4"));
    let source = match std::env::var("MARQUEE_TEST_FILM") {
        Ok(path) => vec!["-stream_loop".into(), "-1".into(), "-i".into(), path],
        Err(_) => vec!["-f".into(), "lavfi".into(), "-i".into(), "testsrc2=size=640x360:rate=24".to_owned()],
    };
    let bits_per_s = SEGMENT_BYTES * 8 / u64::from(SEGMENT_S);
    let rate = format!("nal-hrd=cbr:force-cfr=1:bitrate={0}:vbv-maxrate={0}:vbv-bufsize={0}", bits_per_s / 1000);
    ffmpeg(
        Command::new("ffmpeg")
            .args(["-v", "error", "-y"])
            .args(source)
            .args(["-map", "0:v:0", "-t", &ENCODED_S.to_string(), "-vf", "scale=640:360,fps=24,format=yuv420p"])
            .args(["-c:v", "libx264", "-preset", "ultrafast", "-bf", "0"])
            .args(["-g", &(24 * SEGMENT_S).to_string(), "-sc_threshold", "0", "-x264-params", &rate])
            .arg(&piece),
    )?;
    ffmpeg(
        Command::new("ffmpeg")
            .args(["-v", "error", "-y", "-stream_loop", &(SEGMENTS * SEGMENT_S / ENCODED_S - 1).to_string(), "-i"])
            .arg(&piece)
            .args(["-c", "copy"])
            .arg(&film),
    )?;
    fs::remove_file(piece)?;
    Ok(film)
}

fn ffmpeg(command: &mut Command) -> Outcome<()> {
    // Only what speaks for itself belongs on this process's output, which the bench reads.
    let output = command.output()?;
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned().into()) }
}

async fn publish_film(app: &App, packaged: &Packaged) -> Outcome<AssetId> {
    let now = app.clock.now();
    let id = AssetId::new(now);
    publish(&app.blobs, id, &packaged.dir, &packaged.index).await?;
    let duration_ms = packaged.index.duration_ms as i64;
    app.db
        .insert_asset(&Asset {
            id,
            source_name: "film.mp4".into(),
            duration_ms,
            created_at: now,
            details: AssetDetails::default(),
            state: AssetState::Complete,
        })
        .await?;
    Ok(id)
}

/// A title with an avail and an offer: who wants to watch has to pay.
async fn sell(app: &App, asset: AssetId, packaged: &Packaged) -> Outcome<(TitleId, OfferId)> {
    let now = app.clock.now();
    let title = Title {
        id: TitleId::new(now),
        name: [("en".to_owned(), "The Bench".to_owned())].into(),
        synopsis: [].into(),
        status: TitleStatus::Live,
        parts: vec![asset],
        runtime_ms: packaged.index.duration_ms as i64,
        details: TitleDetails { country: "NL".parse().ok(), ..TitleDetails::default() },
        created_at: now,
        version: 1,
    };
    app.db.insert_title(&title, None).await?;
    let avail = Avail {
        id: AvailId::new(now),
        title_id: title.id,
        license_type: LicenseType::Vod,
        description: None,
        territories: TerritorySet::of([TERRITORY.parse()?]),
        window: Window { start_at: now, end_at: None, zone: "Asia/Shanghai".into() },
        hard_end_at: None,
        caps: None,
    };
    app.db.insert_avail(&avail, None, now).await?;
    let offer = Offer {
        id: OfferId::new(now),
        title_id: title.id,
        avail_id: avail.id,
        kind: OfferKind::Pvod,
        list_price: Money::new(1800, Currency::CNY),
        member_price: None,
        clock: GrantClock::OnPurchase { watch_ms: 48 * 3_600_000 },
        streams: 1,
        presale_from_at: None,
        sales_cutoff_ms: 0,
        withdrawn_at: None,
    };
    app.db.insert_offer(&offer, None, now).await?;
    app.follower.announce().await;
    Ok((title.id, offer.id))
}

/// Signs a viewer up, buys and presses Play, through the API; the playback token.
async fn buy_and_open(app: &Arc<App>, base: &str, title: TitleId, offer: OfferId) -> Outcome<String> {
    let request = SignUp {
        email: "bench@test.example".into(),
        password: "a long enough password".into(),
        display_name: String::new(),
    };
    let visit = Visit { address: [127, 0, 0, 1].into(), device: "bench".into() };
    let signed_up = app.accounts.sign_up(&request, &visit).await?;
    let viewer = signed_up.map_err(|_| "the viewer was not let in")?.viewer;
    let bearer = app.accounts.issue_token(Bearer::Viewer(viewer.id)).await?;
    let client = reqwest::Client::new();
    let post = async |path: &str, body: Value| -> Outcome<Value> {
        let request = client.post(format!("{base}/api/v1{path}")).bearer_auth(&bearer).header("idempotency-key", path);
        Ok(request.json(&body).send().await?.error_for_status()?.json().await?)
    };
    post("/purchases", json!({"offer_id": offer, "payment": {"method": "sandbox", "outcome": "paid"}})).await?;
    let session = post("/playback-sessions", json!({"title_id": title})).await?;
    let playback_url = session["playback_url"].as_str().ok_or("the session has no playback URL")?;
    Ok(playback_url.split('/').nth(2).ok_or("a playback URL of another form")?.to_owned())
}
