//! `marquee demo`: a cinema that works. Packages one film, once, and sells it under every kind of offer there is.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::app::{App, OwnerLink, Serving, WORK_FOLDER, ingest, write_private};
use crate::base::clock::{Clock, UtcMs};
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::id::{AssetId, AvailId, MembershipId, OfferId, OperatorId, PlanId, StorefrontId, TitleId, ViewerId};
use crate::base::money::{Currency, Money};
use crate::base::territory::TerritorySet;
use crate::catalog::details::{Credit, CreditRole, TitleDetails, Trailer};
use crate::catalog::genre::Genre;
use crate::catalog::storefront::{Storefront, Theme};
use crate::catalog::title::{LocalizedText, Title, TitleStatus};
use crate::cmd::package::Display;
use crate::cmd::serve::{Ports, console_url, drain_on_signal, start_log, until_signal, welcome_url};
use crate::cmd::{Settings, block_on, print};
use crate::commerce::account::{SignUp, Visit};
use crate::config::{Config, Mode};
use crate::operator::jobs::FilmFiles;
use crate::packager::excerpt::excerpt;
use crate::rights::avail::{Avail, LicenseType};
use crate::rights::grant::GrantClock;
use crate::rights::membership::{Membership, Plan};
use crate::rights::offer::{Offer, OfferKind};
use crate::rights::window::Window;
use crate::store::db::account::Bearer;

const DEFAULT_DATA: &str = "marquee-demo";
/// In the data folder.
const CINEMA_FILE: &str = "demo.json";
const TERRITORY: &str = "CN";
/// Where the overseas release is on sale.
const ELSEWHERE: &[&str] = &["US", "CA", "GB", "DE", "FR", "JP", "SG", "AU"];
/// A name below `localhost` is this machine.
const ABROAD_HOST: &str = "abroad.localhost";
const DAY: Duration = Duration::from_secs(24 * 3600);
const TRAILER_MS: u64 = 10_000;
/// By custom; of a film as short as ours it is a quarter.
const PREVIEW_MS: i64 = 6 * 60_000;
const ZONE: &str = "Asia/Shanghai";

#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  marquee demo --film film.mp4\n  marquee demo --film film.mp4 --data /tmp/cinema --port 0 --https-port 0 --json"
)]
pub struct Args {
    /// The film; needed the first time
    #[arg(long, value_name = "FILE")]
    film: Option<PathBuf>,
    /// Data folder
    #[arg(long, value_name = "DIR", default_value = DEFAULT_DATA)]
    data: PathBuf,
    #[command(flatten)]
    ports: Ports,
    /// Print one line of JSON once it is serving
    #[arg(long)]
    json: bool,
}

/// What the demo remembers of its cinema, in a file only its owner may read.
#[derive(Serialize, Deserialize)]
struct Cinema {
    film: String,
    operator_id: OperatorId,
    viewers: Vec<DemoViewer>,
    titles: Vec<DemoTitle>,
}

#[derive(Serialize, Deserialize)]
struct DemoViewer {
    role: String,
    email: String,
    password: String,
    viewer_id: ViewerId,
}

#[derive(Serialize, Deserialize)]
struct DemoTitle {
    slug: String,
    id: TitleId,
}

pub fn run(args: &Args) -> Result<()> {
    start_log();
    let settings = Settings { config: None, data: Some(args.data.clone()) };
    let mut config = settings.load()?;
    config.mode = Mode::Test;
    config.place.default_territory.get_or_insert(TERRITORY.parse()?);
    args.ports.apply(&mut config);
    // Asked before anything is made, so that a run that cannot begin leaves nothing behind.
    let film = args.film.as_deref().map(fingerprint).transpose()?;
    if film.is_none() && !args.data.join(CINEMA_FILE).exists() {
        return Err(Error::new(
            ErrorKind::Invalid,
            "FILM_NEEDED",
            "This demo has no film yet. Name one: marquee demo --film FILE (or run ./dev demo, which brings one).",
        ));
    }
    block_on(async {
        let app = App::open(config, Clock::system()).await?;
        let cinema = open_cinema(&app, args, film).await?;
        let ended = until_signal()?;
        let serving = app.clone().serve()?;
        tell(&app, &cinema, &serving, args.json).await?;
        drain_on_signal(&app, serving, ended).await;
        Ok(())
    })
}

/// The cinema of an earlier run with the same film, its windows moved to now; or a new one.
async fn open_cinema(app: &Arc<App>, args: &Args, film: Option<String>) -> Result<Cinema> {
    let path = args.data.join(CINEMA_FILE);
    let earlier: Option<Cinema> = match std::fs::read(&path) {
        Ok(bytes) => Some(serde_json::from_slice(&bytes).map_err(|error| {
            Error::new(
                ErrorKind::Config,
                "DEMO_DAMAGED",
                format!("{} cannot be read; remove the folder {} to begin anew.", path.display(), args.data.display()),
            )
            .with_source(error)
        })?),
        Err(_) => None,
    };
    let cinema = match (earlier, film) {
        (Some(cinema), None) => cinema,
        (Some(cinema), Some(film)) if cinema.film == film => cinema,
        (Some(mut cinema), Some(film)) => {
            let packaged = package(app, args).await?;
            for demo in &cinema.titles {
                if let Some(mut title) = app.db.title(demo.id).await? {
                    title.parts = vec![packaged.asset];
                    title.runtime_ms = packaged.runtime_ms;
                    title.details.part_runtimes_ms = vec![packaged.runtime_ms];
                    title.details.trailer = title.details.trailer.and(Some(packaged.trailer));
                    title.version += 1;
                    app.db.update_title(&title, app.clock.now()).await?;
                }
            }
            cinema.film = film;
            cinema
        }
        (None, Some(film)) => build_cinema(app, args, film).await?,
        (None, None) => return Err(Error::internal("a cinema without a film")),
    };
    move_windows(app, &cinema).await?;
    app.follower.announce().await;
    let bytes =
        serde_json::to_vec_pretty(&cinema).map_err(|error| Error::internal("the demo's file").with_source(error))?;
    write_private(&path, &bytes)?;
    Ok(cinema)
}

/// Tells one film from another without reading all of it.
fn fingerprint(film: &Path) -> Result<String> {
    let metadata = std::fs::metadata(film).map_err(|error| {
        Error::new(ErrorKind::NotFound, "INPUT_NOT_FOUND", format!("{} cannot be read: {error}.", film.display()))
    })?;
    let name = film.file_name().unwrap_or_default().to_string_lossy();
    Ok(format!("{name}:{}", metadata.len()))
}

/// The film, packaged, and the beginning of it as a trailer.
#[derive(Clone, Copy)]
struct Film {
    asset: AssetId,
    runtime_ms: i64,
    trailer: Trailer,
}

async fn package(app: &Arc<App>, args: &Args) -> Result<Film> {
    let film = args.film.clone().unwrap_or_default();
    let files = FilmFiles { film, audio: Vec::new(), subtitles: Vec::new() };
    let mut display = Display::for_stderr();
    let asset_id = AssetId::new(app.clock.now());
    let work = app.config.data.join(WORK_FOLDER);
    let asset = ingest::package_and_publish(&app.blobs, &app.clock, &files, asset_id, &work, |progress| {
        display.show(progress);
    })
    .await;
    display.clear();
    let asset = asset?;
    app.db.insert_asset(&asset).await?;
    let now = app.clock.now();
    let short = excerpt(&app.blobs, &asset, AssetId::new(now), TRAILER_MS, now).await?;
    app.db.insert_asset(&short).await?;
    let trailer = Trailer { asset_id: short.id, runtime_ms: short.duration_ms };
    Ok(Film { asset: asset.id, runtime_ms: asset.duration_ms, trailer })
}

async fn build_cinema(app: &Arc<App>, args: &Args, film: String) -> Result<Cinema> {
    let film_file = film;
    let film = package(app, args).await?;
    let now = app.clock.now();
    open_storefronts(app, now).await?;
    let (operator, _) = app.accounts.add_operator("demo operator").await?;
    let member = viewer(app, "member").await?;
    let plan = Plan { id: PlanId::new(now), name: "影院会员 / Cinema member".into(), streams: 2 };
    app.db.insert_plan(&plan, None, now).await?;
    let membership = Membership {
        id: MembershipId::new(now),
        viewer_id: member.viewer_id,
        plan_id: plan.id,
        streams: plan.streams,
        starts_at: now,
        ends_at: now + DAY * 3650,
        revoked_at: None,
        purchase_id: None,
    };
    app.db.insert_membership(&membership, None).await?;
    let viewers = vec![member, viewer(app, "non_member").await?];
    let mut titles = Vec::new();
    for (place, show) in SHOWS.iter().enumerate() {
        // Lists are sorted by id: each show is a millisecond younger than the one before it.
        let made_at = now + Duration::from_millis(place as u64);
        titles.push(DemoTitle { slug: show.slug.into(), id: open_show(app, show, film, made_at).await? });
    }
    Ok(Cinema { film: film_file, operator_id: operator.id, viewers, titles })
}

/// Two brands over one catalogue: one for China in yuan, one for everywhere else in dollars.
async fn open_storefronts(app: &Arc<App>, now: UtcMs) -> Result<()> {
    let first = app.db.storefronts().await?.into_iter().find(|storefront| storefront.is_default);
    let first = first.unwrap_or_else(Storefront::first);
    let home = Storefront {
        name: text("Marquee 影院", "Marquee Cinema"),
        tagline: text("院线新片，同步到家", "New films, at home on opening night"),
        territories: TerritorySet::of([TERRITORY.parse()?]),
        default_territory: Some(TERRITORY.parse()?),
        version: first.version + 1,
        ..first
    };
    home.check()?;
    app.db.update_storefront(&home, now).await?;
    let mut elsewhere = TerritorySet::world();
    elsewhere.exclude.insert(TERRITORY.parse()?);
    let abroad = Storefront {
        id: StorefrontId::new(now),
        slug: "abroad".into(),
        name: text("海外版", "Marquee Abroad"),
        hosts: vec![ABROAD_HOST.into()],
        languages: vec!["en".into(), "zh-CN".into()],
        currency: Currency::USD,
        territories: elsewhere,
        default_territory: Some("US".parse()?),
        accent: "#2f6fb0".into(),
        theme: Theme::Dark,
        tagline: text("华语电影，全球放映", "Chinese cinema, wherever you are"),
        is_default: false,
        version: 1,
    };
    abroad.check()?;
    app.db.insert_storefront(&abroad, None, now).await?;
    Ok(())
}

fn text(zh: &str, en: &str) -> LocalizedText {
    [("zh-CN".to_owned(), zh.to_owned()), ("en".to_owned(), en.to_owned())].into()
}

async fn viewer(app: &Arc<App>, role: &str) -> Result<DemoViewer> {
    let email = format!("{}@demo.example", role.replace('_', "-"));
    let password = format!("demo-{role}-password");
    let request = SignUp { email: email.clone(), password: password.clone(), display_name: role.replace('_', " ") };
    let visit = Visit { address: std::net::IpAddr::from([127, 0, 0, 1]), device: "Made on the server".into() };
    let signed_up = app.accounts.sign_up(&request, &visit).await?;
    let signed_in = signed_up.map_err(|_| Error::internal("the demo's sign-ups were limited"))?;
    Ok(DemoViewer { role: role.into(), email, password, viewer_id: signed_in.viewer.id })
}

/// One way to distribute the film.
struct Show {
    slug: &'static str,
    zh: &'static str,
    en: &'static str,
    license_type: LicenseType,
    releases: &'static [Release],
}

/// Where it is on, and for how much if it is sold.
struct Release {
    territories: &'static [&'static str],
    offer: Option<ShowOffer>,
}

#[derive(Clone, Copy)]
struct ShowOffer {
    kind: OfferKind,
    price_minor: i64,
    member_price_minor: Option<i64>,
    currency: Currency,
}

const PVOD: ShowOffer =
    ShowOffer { kind: OfferKind::Pvod, price_minor: 1800, member_price_minor: Some(900), currency: Currency::CNY };

const fn rental(price_minor: i64, currency: Currency) -> ShowOffer {
    ShowOffer { kind: OfferKind::Rental, price_minor, member_price_minor: None, currency }
}

const SHOWS: &[Show] = &[
    Show {
        slug: "pvod",
        zh: "大雄兔：云影院首映",
        en: "Big Buck Bunny: Cloud Cinema Premiere",
        license_type: LicenseType::Vod,
        releases: &[Release { territories: &[TERRITORY], offer: Some(PVOD) }],
    },
    Show {
        slug: "rental",
        zh: "大雄兔：单片租看",
        en: "Big Buck Bunny: Rental",
        license_type: LicenseType::Vod,
        releases: &[
            Release { territories: &[TERRITORY], offer: Some(rental(1200, Currency::CNY)) },
            Release { territories: &["US"], offer: Some(rental(399, Currency::USD)) },
        ],
    },
    Show {
        slug: "member",
        zh: "大雄兔：会员专享",
        en: "Big Buck Bunny: For Members",
        license_type: LicenseType::Svod,
        releases: &[Release { territories: &[TERRITORY], offer: None }],
    },
    Show {
        slug: "free",
        zh: "大雄兔：免费放映",
        en: "Big Buck Bunny: Free Screening",
        license_type: LicenseType::Avod,
        releases: &[Release { territories: &[TERRITORY], offer: None }],
    },
    Show {
        slug: "future",
        zh: "大雄兔：下周首映",
        en: "Big Buck Bunny: Opens Next Week",
        license_type: LicenseType::Vod,
        releases: &[Release { territories: &[TERRITORY], offer: Some(PVOD) }],
    },
    Show {
        slug: "elsewhere",
        zh: "大雄兔：海外发行",
        en: "Big Buck Bunny: Overseas Release",
        license_type: LicenseType::Vod,
        releases: &[Release {
            territories: ELSEWHERE,
            offer: Some(ShowOffer {
                kind: OfferKind::Pvod,
                price_minor: 1499,
                member_price_minor: Some(999),
                currency: Currency::USD,
            }),
        }],
    },
];

impl Show {
    /// What the film is, as its makers say; a premiere has a trailer and a preview, and comes first.
    fn details(&self, trailer: Trailer) -> Result<TitleDetails> {
        let person = |name: &str, role| Credit { name: text(name, name), role, character: None };
        let is_premiere = matches!(self.slug, "pvod" | "future");
        Ok(TitleDetails {
            tagline: text("三个小坏蛋，一只大兔子。", "Three rodents. One very large rabbit."),
            cast: vec![
                person("Sacha Goedegebure", CreditRole::Director),
                person("Sacha Goedegebure", CreditRole::Writer),
                person("Ton Roosendaal", CreditRole::Producer),
            ],
            genres: vec![Genre::Animation, Genre::Comedy, Genre::Family],
            year: Some(2008),
            country: Some("NL".parse()?),
            trailer: is_premiere.then_some(trailer),
            preview_ms: is_premiere.then_some(PREVIEW_MS),
            rank: match self.slug {
                "pvod" => -2,
                "future" => -1,
                _ => 0,
            },
            ..TitleDetails::default()
        })
    }
}

/// The window a show has when the demo starts at `now`.
fn window(slug: &str, now: UtcMs) -> Window {
    let (start_at, end_at) = match slug {
        "pvod" => (now - DAY, Some(now + DAY * 14)),
        "future" => (now + DAY * 7, Some(now + DAY * 21)),
        _ => (now - DAY, None),
    };
    Window { start_at, end_at, zone: ZONE.into() }
}

async fn open_show(app: &Arc<App>, show: &Show, film: Film, now: UtcMs) -> Result<TitleId> {
    let Film { asset, runtime_ms, trailer } = film;
    let synopsis = "一只脾气极好的大兔子，三个欺人太甚的小坏蛋。";
    let synopsis_en = "A giant rabbit with a heart bigger than himself, and three rodents who go too far.";
    let title = Title {
        id: TitleId::new(now),
        name: text(show.zh, show.en),
        synopsis: text(synopsis, synopsis_en),
        status: TitleStatus::Live,
        parts: vec![asset],
        runtime_ms,
        details: show.details(trailer)?,
        created_at: now,
        version: 1,
    };
    app.db.insert_title(&title, None).await?;
    for release in show.releases {
        open_release(app, show, release, title.id, now).await?;
    }
    Ok(title.id)
}

async fn open_release(app: &Arc<App>, show: &Show, release: &Release, title_id: TitleId, now: UtcMs) -> Result<()> {
    let territories = release.territories.iter().map(|code| code.parse()).collect::<Result<Vec<_>>>()?;
    let avail = Avail {
        id: AvailId::new(now),
        title_id,
        license_type: show.license_type,
        description: release.offer.filter(|offer| offer.kind == OfferKind::Pvod).map(|_| "PVOD".to_owned()),
        territories: TerritorySet::of(territories),
        window: window(show.slug, now),
        hard_end_at: None,
        caps: None,
    };
    app.db.insert_avail(&avail, None, now).await?;
    let Some(sold) = release.offer else { return Ok(()) };
    let hours = |hours: i64| hours * 3_600_000;
    let offer = Offer {
        id: OfferId::new(now),
        title_id,
        avail_id: avail.id,
        kind: sold.kind,
        list_price: Money::new(sold.price_minor, sold.currency),
        member_price: sold.member_price_minor.map(|minor| Money::new(minor, sold.currency)),
        clock: match sold.kind {
            OfferKind::Pvod => GrantClock::OnPurchase { watch_ms: hours(48) },
            OfferKind::Rental => GrantClock::OnFirstPlay { start_within_ms: hours(30 * 24), watch_ms: hours(48) },
            OfferKind::Buy => GrantClock::Forever,
        },
        streams: 1,
        presale_from_at: (show.slug == "future").then_some(now - DAY),
        sales_cutoff_ms: 0,
        withdrawn_at: None,
    };
    app.db.insert_offer(&offer, None, now).await?;
    Ok(())
}

/// A demo that is started again next month still has a premiere on and one to come.
async fn move_windows(app: &Arc<App>, cinema: &Cinema) -> Result<()> {
    let now = app.clock.now();
    let avails = app.db.catalog().await?.avails;
    for demo in &cinema.titles {
        for avail in avails.iter().filter(|avail| avail.title_id == demo.id) {
            let has_drifted = match demo.slug.as_str() {
                "pvod" => avail.window.end_at.is_none_or(|end_at| end_at < now + DAY * 7),
                "future" => avail.window.start_at < now + DAY,
                _ => false,
            };
            if has_drifted {
                app.db.update_avail(&Avail { window: window(&demo.slug, now), ..avail.clone() }, now).await?;
            }
        }
    }
    Ok(())
}

/// Says where the cinema is and how to get in.
async fn tell(app: &Arc<App>, cinema: &Cinema, serving: &Serving, as_json: bool) -> Result<()> {
    let base_url = format!("http://{}", serving.http);
    let https_url = format!("https://{}", serving.https);
    let operator_token = app.accounts.issue_token(Bearer::Operator(cinema.operator_id)).await?;
    let link = app.owner_link(OwnerLink::IfNobody).await?.map(|secret| welcome_url(serving.http, &secret));
    let console_url = console_url(serving.http);
    if !as_json {
        let console = match &link {
            Some(link) => format!("{link}   (once: it makes you the owner)"),
            None => console_url,
        };
        return print(welcome(cinema, &console, &operator_token, &base_url, &https_url, &app.config));
    }
    let storefronts = app.db.storefronts().await?;
    let storefronts: Vec<_> = storefronts
        .iter()
        .map(|storefront| {
            let url = match storefront.hosts.first() {
                Some(host) => format!("http://{host}:{}", serving.http.port()),
                None => base_url.clone(),
            };
            json!({"slug": storefront.slug, "url": url})
        })
        .collect();
    let mut viewers = Vec::new();
    for viewer in &cinema.viewers {
        viewers.push(json!({
            "role": viewer.role,
            "email": viewer.email,
            "password": viewer.password,
            "api_token": app.accounts.issue_token(Bearer::Viewer(viewer.viewer_id)).await?,
        }));
    }
    let snapshot = app.follower.snapshot();
    let titles: Vec<_> = cinema
        .titles
        .iter()
        .filter_map(|demo| Some((demo, snapshot.title(demo.id)?)))
        .map(|(demo, rights)| {
            let offers: Vec<_> = rights
                .offers
                .iter()
                .map(|offer| {
                    json!({"id": offer.id, "kind": offer.kind, "price": offer.list_price, "member_price": offer.member_price})
                })
                .collect();
            json!({"id": demo.id, "slug": demo.slug, "name": rights.title.name, "offers": offers})
        })
        .collect();
    let line = json!({
        "base_url": base_url,
        "https_url": https_url,
        "console_url": console_url,
        "operator_link": link,
        "operator_token": operator_token,
        "viewers": viewers,
        "titles": titles,
        "storefronts": storefronts,
    });
    print(line)
}

fn welcome(
    cinema: &Cinema,
    console: &str,
    operator_token: &str,
    base_url: &str,
    https_url: &str,
    config: &Config,
) -> String {
    let viewers: Vec<String> = cinema
        .viewers
        .iter()
        .map(|viewer| format!("  {:<14}  {} / {}", viewer.role.replace('_', "-"), viewer.email, viewer.password))
        .collect();
    let abroad_port = base_url.rsplit(':').next().unwrap_or_default();
    format!(
        "The cinema is open.

  storefront      {base_url}/
  abroad          http://{ABROAD_HOST}:{abroad_port}/   (another brand over the same catalogue, as from the US)
  over HTTPS      {https_url}/   (a development certificate; your browser will ask)
{}
  console         {console}
  operator token  {operator_token}
  API             {base_url}/openapi.json
  data            {}

Test mode: no money moves. Ctrl-C ends it.",
        viewers.join("\n"),
        config.data.display()
    )
}
