//! What delivery costs: CPU per gigabyte and per request of Marquee as it is sold, against Debian's nginx serving the
//! very same bytes as static files with no check at all.
//!
//! `cargo bench --bench delivery`. Needs `nginx`, `wrk`, `taskset` and `ffmpeg`, and two cores. Servers run as child
//! processes pinned to core 0, wrk on core 1 with 64 kept-alive connections; A and B alternate and the table shows
//! medians. CPU is user plus system time of the server and its children, from /proc. There is no gate: the ratio is what
//! counts, and it is printed whichever way it falls. Another client compares bytes after every run.
//!
//! `MARQUEE_TEST_FILM` names a film to take the picture from; without it one is drawn. `DELIVERY_SECONDS` (3) is the
//! length of a run, `DELIVERY_RUNS` (5) their number.

use std::error::Error;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use marquee::base::clock::Clock;
use marquee::http::tls::{self, CertificateFiles};

#[path = "delivery/ours.rs"]
mod ours;

type Outcome<T> = Result<T, Box<dyn Error>>;

const SERVER_CORE: &str = "0";
const CLIENT_CORE: &str = "1";
const CONNECTIONS: &str = "64";
/// The first argument of the child that is our server; its folder, a certificate and the key of that follow.
const SERVE_ROLE: &str = "--serve-ours";

const LOADS: [Load; 3] = [
    Load { scheme: Scheme::Https, object: Object::Segment },
    Load { scheme: Scheme::Http, object: Object::Segment },
    Load { scheme: Scheme::Https, object: Object::Playlist },
];

/// What is fetched, and how.
#[derive(Clone, Copy)]
struct Load {
    scheme: Scheme,
    object: Object,
}

#[derive(Clone, Copy)]
enum Scheme {
    Http,
    Https,
}

#[derive(Clone, Copy)]
enum Object {
    Segment,
    Playlist,
}

impl Load {
    fn name(self) -> String {
        let scheme = match self.scheme {
            Scheme::Http => "HTTP ",
            Scheme::Https => "HTTPS",
        };
        match self.object {
            Object::Segment => format!("{scheme} segment"),
            Object::Playlist => format!("{scheme} playlist"),
        }
    }
}

/// The bytes that both servers give out: what Marquee gave out first.
struct Samples {
    segment: Bytes,
    playlist: Bytes,
}

impl Samples {
    fn of(&self, load: Load) -> &Bytes {
        match load.object {
            Object::Segment => &self.segment,
            Object::Playlist => &self.playlist,
        }
    }
}

/// A server at work: ours or the peer. Killed on drop.
struct Server {
    name: &'static str,
    child: Child,
    http: String,
    https: String,
    segment: String,
    playlist: String,
}

impl Server {
    fn url(&self, load: Load) -> String {
        let base = match load.scheme {
            Scheme::Http => &self.http,
            Scheme::Https => &self.https,
        };
        let path = match load.object {
            Object::Segment => &self.segment,
            Object::Playlist => &self.playlist,
        };
        format!("{base}{path}")
    }

    /// CPU seconds of the process and of its children (nginx's worker), user and system.
    fn cpu_s(&self) -> Outcome<f64> {
        let pid = self.child.id();
        let mut ticks = 0;
        for entry in fs::read_dir("/proc")?.flatten() {
            let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else { continue };
            // The name in parentheses may hold anything; the fields after it are plain.
            let Some((head, fields)) = stat.rsplit_once(')') else { continue };
            let fields: Vec<&str> = fields.split_whitespace().collect();
            let own = head.split_whitespace().next() == Some(&pid.to_string());
            if own || fields.get(1) == Some(&pid.to_string().as_str()) {
                ticks += fields[11].parse::<u64>()? + fields[12].parse::<u64>()?;
            }
        }
        // USER_HZ is 100 on every Linux architecture we run on.
        Ok(ticks as f64 / 100.0)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // nginx's master ends its worker on SIGTERM; SIGKILL would leave it behind.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let deadline = Instant::now() + Duration::from_secs(3);
        while Instant::now() < deadline {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.as_slice() {
        [role, folder, certificate, key] if role == SERVE_ROLE => {
            ours::serve(Path::new(folder), CertificateFiles { certificate: certificate.into(), key: key.into() })
        }
        _ if arguments.iter().any(|argument| argument == "--bench") => compare(),
        // `cargo test --all-targets` runs benches too, only to see that they start.
        _ => {
            println!("delivery: run me with `cargo bench --bench delivery`.");
            Ok(())
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("delivery: {error}");
            ExitCode::FAILURE
        }
    }
}

fn compare() -> Outcome<()> {
    let tools = [("nginx", "nginx-light"), ("wrk", "wrk"), ("taskset", "util-linux"), ("ffmpeg", "ffmpeg")];
    for (tool, package) in tools {
        if find_tool(tool).is_none() {
            return Err(format!("`{tool}` is missing; on Debian: apt-get install {package}").into());
        }
    }
    let (seconds, runs) = (setting("DELIVERY_SECONDS", 3)?, setting("DELIVERY_RUNS", 5)?);
    let folder = tempfile::tempdir()?;
    // nginx's worker may run as another user.
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))?;
    let root = folder.path().join("root");
    fs::create_dir(&root)?;
    let script = folder.path().join("totals.lua");
    fs::write(&script, WRK_SCRIPT)?;
    tls::install_provider();
    let files = tls::development_certificate(&folder.path().join("tls"), Clock::system().now())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let ours = start_ours(folder.path(), &files)?;
    let samples = runtime.block_on(take_samples(&ours))?;
    fs::write(root.join("segment.m4s"), &samples.segment)?;
    fs::write(root.join("playlist.m3u8"), &samples.playlist)?;
    let servers = [ours, start_nginx(folder.path(), &root, &files)?];

    print_conditions(&samples, seconds, runs)?;
    println!("load           | server  | CPU s/GB | CPU µs/request | least to most    | requests/s | marquee ÷ nginx");
    println!("---------------|---------|----------|----------------|------------------|------------|----------------");
    for load in LOADS {
        let sample = samples.of(load);
        let mut costs = [Vec::new(), Vec::new()];
        for server in &servers {
            runtime.block_on(check_bytes(server, load, sample))?;
            measure(server, load, sample, 1, &script)?;
        }
        for _ in 0..runs {
            for (server, costs) in servers.iter().zip(&mut costs) {
                costs.push(measure(server, load, sample, seconds, &script)?);
                runtime.block_on(check_bytes(server, load, sample))?;
            }
        }
        let spreads = [spread(&costs[0]), spread(&costs[1])];
        let [ours, nginx] = costs.map(median);
        let ratio = format!("{:.2}", ours.cpu_us / nginx.cpu_us);
        for (index, (cost, ratio)) in [(ours, ratio.as_str()), (nginx, "")].into_iter().enumerate() {
            println!(
                "{:<14} | {:<7} | {:>8.3} | {:>14.1} | {:>16} | {:>10.0} | {:>15}",
                load.name(),
                servers[index].name,
                cost.cpu_s_per_gb,
                cost.cpu_us,
                spreads[index],
                cost.requests_per_s,
                ratio
            );
        }
    }
    println!(
        "\nA ratio below 1 means that Marquee costs less. Requests per second depend on both cores; CPU does not."
    );
    println!("Load average at the end: {}; the bench itself makes about 2.", load_average()?);
    Ok(())
}

/// What the figures must be read with.
fn print_conditions(samples: &Samples, seconds: u64, runs: u64) -> Outcome<()> {
    let cpu = fs::read_to_string("/proc/cpuinfo")?;
    let field = |name: &str| cpu.lines().find(|line| line.starts_with(name)).and_then(|line| line.split_once(": "));
    let model = field("model name").map_or("an unnamed processor", |(_, model)| model);
    let cores = cpu.lines().filter(|line| line.starts_with("processor")).count();
    let nginx = Command::new(find_tool("nginx").ok_or("nginx is missing")?).arg("-v").output()?;
    println!("\n{cores} cores of {model}; load average at the start: {}.", load_average()?);
    println!(
        "Marquee: the whole product; a paid title, AES-128, token, session, entitlement and lease asked for each request."
    );
    println!("Peer: {}; the same bytes as static files, no check.", String::from_utf8_lossy(&nginx.stderr).trim());
    println!("A segment of {} bytes, a media playlist of {}.", samples.segment.len(), samples.playlist.len());
    println!(
        "Both servers pinned to core {SERVER_CORE}, wrk to core {CLIENT_CORE}; {CONNECTIONS} connections, HTTP/1.1; medians \
         of {runs} alternating runs of {seconds} s; CPU is the server process's own, user and system.\n"
    );
    Ok(())
}

/// The three averages, over 1, 5 and 15 minutes.
fn load_average() -> Outcome<String> {
    let text = fs::read_to_string("/proc/loadavg")?;
    Ok(text.split(' ').take(3).collect::<Vec<_>>().join(" "))
}

fn setting(name: &str, default: u64) -> Outcome<u64> {
    match std::env::var(name) {
        Ok(text) => Ok(text.parse().map_err(|_| format!("{name}={text} is not a number"))?),
        Err(_) => Ok(default),
    }
}

fn find_tool(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    folders.map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// What one run cost.
#[derive(Clone, Copy)]
struct Cost {
    cpu_us: f64,
    cpu_s_per_gb: f64,
    requests_per_s: f64,
}

fn median(mut costs: Vec<Cost>) -> Cost {
    costs.sort_by(|one, other| one.cpu_us.total_cmp(&other.cpu_us));
    costs[costs.len() / 2]
}

fn spread(costs: &[Cost]) -> String {
    let all = costs.iter().map(|cost| cost.cpu_us);
    let (least, most) = all.fold((f64::MAX, 0.0_f64), |(least, most), cost| (least.min(cost), most.max(cost)));
    format!("{least:.1} to {most:.1}")
}

/// What wrk says at the end of a run, exactly.
const WRK_SCRIPT: &str = r#"
done = function(summary)
    local errors = summary.errors
    local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
    io.write(string.format("\ntotals %d %d %d\n", summary.requests, summary.bytes, failed))
end
"#;

fn measure(server: &Server, load: Load, sample: &Bytes, seconds: u64, script: &Path) -> Outcome<Cost> {
    let (cpu_before, began) = (server.cpu_s()?, Instant::now());
    let output = Command::new("taskset")
        .args(["-c", CLIENT_CORE, "wrk", "-t1", "-c", CONNECTIONS, "-d", &format!("{seconds}s"), "-s"])
        .arg(script)
        .arg(server.url(load))
        .output()?;
    let (cpu_s, elapsed) = (server.cpu_s()? - cpu_before, began.elapsed());
    let report = String::from_utf8(output.stdout)?;
    let totals: Option<Vec<f64>> = report
        .lines()
        .find_map(|line| line.strip_prefix("totals "))
        .and_then(|totals| totals.split(' ').map(|total| total.parse().ok()).collect());
    let Some([requests, bytes, failed]) = totals.as_deref() else {
        return Err(format!("wrk's report on {} was not understood:\n{report}", server.name).into());
    };
    if *failed > 0.0 {
        return Err(format!("{failed} requests to {} failed:\n{report}", server.name).into());
    }
    let length = sample.len() as f64;
    // When time is up 64 large responses are under way and have been paid for in part: bytes count those as well.
    let requests = match load.object {
        Object::Segment => bytes / length,
        Object::Playlist => *requests,
    };
    Ok(Cost {
        cpu_us: cpu_s * 1e6 / requests,
        cpu_s_per_gb: cpu_s * 1e9 / (requests * length),
        requests_per_s: requests / elapsed.as_secs_f64(),
    })
}

fn client() -> Outcome<reqwest::Client> {
    Ok(reqwest::Client::builder().danger_accept_invalid_certs(true).http1_only().no_gzip().build()?)
}

/// Fetches what both are going to serve, and sees to it that Marquee gives it out under protection only.
async fn take_samples(ours: &Server) -> Outcome<Samples> {
    let client = client()?;
    let fetch = async |path: &str| -> Outcome<Bytes> {
        Ok(client.get(format!("{}{path}", ours.https)).send().await?.error_for_status()?.bytes().await?)
    };
    let samples = Samples { segment: fetch(&ours.segment).await?, playlist: fetch(&ours.playlist).await? };
    if !String::from_utf8_lossy(&samples.playlist).contains("METHOD=AES-128") {
        return Err("the title is not protected".into());
    }
    // The last character of the token's signature, another one instead.
    let token = ours.segment.split('/').nth(2).ok_or("a path of another form")?;
    let forged = format!("{}A", &token[..token.len() - 2]);
    let refused = client.get(format!("{}{}", ours.https, ours.segment.replace(token, &forged))).send().await?;
    if refused.status() != reqwest::StatusCode::UNAUTHORIZED {
        return Err(format!("a forged token was answered with {}", refused.status()).into());
    }
    Ok(samples)
}

/// Another client fetches what wrk fetched and looks at every byte.
async fn check_bytes(server: &Server, load: Load, sample: &Bytes) -> Outcome<()> {
    let client = client()?;
    let (fetched, part) =
        (client.get(server.url(load)), client.get(server.url(load)).header("range", "bytes=100-1099"));
    let whole = fetched.send().await?.error_for_status()?.bytes().await?;
    let part = part.send().await?.error_for_status()?.bytes().await?;
    if whole != sample || part != sample[100..1_100] {
        return Err(format!("{} served wrong bytes: {}", server.name, load.name()).into());
    }
    Ok(())
}

/// Our server as a child of its own: this program again, in another role.
fn start_ours(folder: &Path, files: &CertificateFiles) -> Outcome<Server> {
    let mut child = Command::new("taskset")
        .args(["-c", SERVER_CORE])
        .arg(std::env::current_exe()?)
        .arg(SERVE_ROLE)
        .args([folder, &files.certificate, &files.key])
        .stdout(Stdio::piped())
        .spawn()?;
    let mut lines = BufReader::new(child.stdout.take().ok_or("the child has no output")?).lines();
    let mut next = || lines.next().ok_or("our server did not start")?.map_err(Box::<dyn Error>::from);
    Ok(Server { name: "marquee", http: next()?, https: next()?, segment: next()?, playlist: next()?, child })
}

fn start_nginx(folder: &Path, root: &Path, files: &CertificateFiles) -> Outcome<Server> {
    // The ports are free now and taken a moment later: good enough for a bench.
    let (http_port, https_port) = (free_port()?, free_port()?);
    let mut config = include_str!("nginx.conf").to_owned();
    for (name, value) in [
        ("folder", folder.display().to_string()),
        ("root", root.display().to_string()),
        ("certificate", files.certificate.display().to_string()),
        ("key", files.key.display().to_string()),
        ("http_port", http_port.to_string()),
        ("https_port", https_port.to_string()),
    ] {
        config = config.replace(&format!("{{{{{name}}}}}"), &value);
    }
    let file = folder.join("nginx.conf");
    fs::write(&file, config)?;
    let nginx = find_tool("nginx").ok_or("nginx is missing")?;
    let child = Command::new("taskset").args(["-c", SERVER_CORE]).arg(nginx).arg("-c").arg(&file).spawn()?;
    let server = Server {
        name: "nginx",
        child,
        http: format!("http://127.0.0.1:{http_port}"),
        https: format!("https://127.0.0.1:{https_port}"),
        segment: "/segment.m4s".into(),
        playlist: "/playlist.m3u8".into(),
    };
    let deadline = Instant::now() + Duration::from_secs(5);
    while std::net::TcpStream::connect(("127.0.0.1", https_port)).is_err() {
        if Instant::now() > deadline {
            return Err("nginx did not start".into());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(server)
}

fn free_port() -> Outcome<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
