//! The command line in the hands of a newcomer: wrong arguments, wrong films, wrong folders. Every refusal has an exit
//! code and a stable code on stderr, leaves stdout to data, and leaves nothing behind.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use marquee::base::clock::Clock;
use marquee::commerce::account::Visit;
use marquee::commerce::account::operators::{Arrival, LinkRefusal};
use sqlx::Connection as _;

use crate::film;
use crate::process::{Said, ServerProcess, marquee, run, signal, sound_report, wait};
use crate::server::Server;

/// Verbs with their own help, as they are typed.
const VERBS: &[&str] = &[
    "serve",
    "demo",
    "package",
    "inspect",
    "check",
    "explain",
    "api",
    "config",
    "openapi",
    "config check",
    "config print",
];
const POSTER_BYTES: usize = 32 * 1024 * 1024;
const END_MAX: Duration = Duration::from_secs(30);

/// An empty folder to work in.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn whoever_types_nothing_or_nonsense_is_told_what_there_is() {
    let here = folder();
    let said = |args: &[&str]| run(marquee(args).current_dir(here.path()));
    for (args, hint) in [
        (&[] as &[&str], "Usage:"),
        (&["frobnicate"], "unrecognized subcommand"),
        (&["serv"], "'serve'"),
        (&["serve", "--prot", "1"], "'--port'"),
        (&["serve", "--port", "eighty"], "--port"),
        (&["serve", "--port", "65536"], "--port"),
        (&["package"], "--out"),
        (&["package", "film.mp4"], "--out"),
        (&["package", "a.mp4", "b.mp4", "--out", "c"], "unexpected argument"),
        (&["config"], "Usage:"),
        (&["config", "chekc"], "'check'"),
        (&["check", "--jsno"], "'--json'"),
    ] {
        let said = said(args);
        assert_eq!((said.exit, said.stdout.as_str()), (Some(2), ""), "{args:?}: {said:?}");
        assert!(said.stderr.contains(hint), "{args:?} does not mention {hint}: {said:?}");
    }
    assert!(names(here.path()).is_empty());
}

/// Whatever a film does to a decoder, it does in a process without a network.
#[test]
fn libav_is_linked_to_the_worker_alone() {
    let links_libav = |program: &str| {
        let bytes = std::fs::read(program).unwrap();
        memchr::memmem::find(&bytes, b"\0libavcodec.so.").is_some()
    };
    assert!(links_libav(env!("CARGO_BIN_EXE_marquee-worker")));
    assert!(!links_libav(env!("CARGO_BIN_EXE_marquee")));
}

#[test]
fn without_its_worker_the_program_says_what_is_missing() {
    let here = folder();
    let alone = here.path().join("marquee");
    std::fs::copy(env!("CARGO_BIN_EXE_marquee"), &alone).unwrap();
    let said = run(Command::new(&alone).args(["package", "film.mp4", "--out", "out"]).current_dir(here.path()));
    assert_eq!(said.exit, Some(3), "{said:?}");
    assert!(
        said.stderr.contains("marquee-worker is missing; install it beside this program. [WORKER_MISSING]"),
        "{said:?}"
    );
    assert_eq!(names(here.path()), ["marquee"]);
}

#[test]
fn help_is_an_answer_and_every_verb_shows_two_examples() {
    let general = run(&mut marquee(&["--help"]));
    assert_eq!((general.exit, general.stderr.as_str()), (Some(0), ""));
    for verb in VERBS {
        let words: Vec<&str> = verb.split(' ').chain(["--help"]).collect();
        assert!(general.stdout.contains(words[0]), "{verb} is not in {}", general.stdout);
        let said = run(&mut marquee(&words));
        assert_eq!((said.exit, said.stderr.as_str()), (Some(0), ""), "{verb}");
        let (_, examples) = said.stdout.split_once("Examples:\n").unwrap_or_else(|| panic!("{verb}: {said:?}"));
        let examples = examples.lines().filter(|line| line.contains(&format!("marquee {verb}"))).count();
        // `config` shows one of each of its own verbs.
        assert!(examples >= 2, "{verb}: {said:?}");
    }
    let version = run(&mut marquee(&["--version"]));
    assert_eq!(version.stdout, format!("marquee {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_server_is_asked_as_an_operator_and_says_why_it_refuses() {
    let here = folder();
    let data = here.path().join("data");
    let server = ServerProcess::start(&data);
    let said = |words: &[&str], more: &[&str]| {
        let mut command = marquee(words);
        run(command.args(more).args(["--server", &server.base, "--data"]).arg(&data))
    };
    let body = r#"{"name": {"en": "Echo"}, "status": "live"}"#;
    let made = said(&["api", "POST", "/operator/titles", body], &[]);
    assert_eq!((made.exit, made.stderr.as_str()), (Some(0), ""), "{made:?}");
    let title: serde_json::Value = serde_json::from_str(&made.stdout).unwrap();
    let id = title["id"].as_str().unwrap();
    let listed = said(&["api", "get", "operator/titles"], &[]);
    assert!(listed.exit == Some(0) && listed.stdout.contains(id), "{listed:?}");

    let denied = said(&["explain", id], &["--territory", "CN"]);
    assert_eq!(denied.exit, Some(5), "{denied:?}");
    assert!(denied.stdout.starts_with("Denied: TITLE_SUSPENDED (rule title_status), at "), "{denied:?}");
    assert!(denied.stdout.contains("  fail  title       This title is not available"), "{denied:?}");
    assert!(denied.stderr.contains("[DENIED]"), "{denied:?}");
    let json = said(&["explain", id], &["--json", "--at", "2027-02-10T12:00:00Z"]);
    let json: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!((&json["allow"], &json["at"]), (&false.into(), &"2027-02-10T12:00:00.000Z".into()));

    let empty = here.path().join("token");
    fs::write(&empty, "mqo_test_wrong").unwrap();
    for (words, more, exit, code) in [
        (&["explain", "ttl_00000000000000000000000000"] as &[&str], &[] as &[&str], 4, "TITLE_NOT_FOUND"),
        (&["explain", id], &["--territory", "XX"], 1, "QUERY_INVALID"),
        (&["explain", id], &["--at", "soon"], 1, "QUERY_INVALID"),
        (&["explain", "--session", "ses_00000000000000000000000000"], &[], 4, "SESSION_NOT_FOUND"),
        (&["api", "POST", "/operator/titles", "{"], &[], 1, "[BODY_INVALID]"),
        (&["api", "POST", "/operator/titles", "{}"], &[], 1, "FIELD_INVALID"),
        (&["api", "GET", "/operator/nothing"], &[], 4, "ROUTE_NOT_FOUND"),
        (&["explain", id], &["--token-file", text(&empty)], 5, "UNAUTHENTICATED"),
        (&["explain", id], &["--token-file", "nowhere"], 4, "[TOKEN_NOT_FOUND]"),
    ] {
        let refused = said(words, more);
        assert_eq!((refused.exit, refused.stdout.as_str()), (Some(exit), ""), "{words:?} {refused:?}");
        assert!(refused.stderr.contains(code), "{code} is not in {refused:?}");
    }
    for (server, exit, code) in [
        ("http://127.0.0.1:1", 6, "SERVER_UNREACHABLE"),
        ("http://cinema.example", 1, "SERVER_INVALID"),
        ("https://name:word@cinema.example", 1, "SERVER_INVALID"),
    ] {
        run(marquee(&["explain", id, "--server", server, "--data"]).arg(&data)).is_refused(exit, code);
    }
}

#[test]
fn what_cannot_be_inspected_is_refused_with_its_code() {
    let here = folder();
    let empty = here.path().join("empty.mp4");
    std::fs::write(&empty, b"").unwrap();
    let cases = [
        ("ftp://films.example/film.mp4", 1, "INSPECT_URL_INVALID"),
        ("https://", 1, "INSPECT_URL_INVALID"),
        ("nothing.mp4", 4, "INSPECT_UNREADABLE"),
        (empty.to_str().unwrap(), 1, "INSPECT_EMPTY"),
        ("Cargo.toml", 1, "INSPECT_UNKNOWN_FORMAT"),
    ];
    for (target, exit, code) in cases {
        run(&mut marquee(&["inspect", target])).is_refused(exit, code);
    }
}

#[test]
fn a_port_that_is_taken_is_named_and_the_next_start_works() {
    let here = folder();
    let data = here.path().join("data");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let port = address.port().to_string();
    for (http, https) in [(port.as_str(), "0"), ("0", port.as_str())] {
        let said = run(marquee(&["serve", "--port", http, "--https-port", https, "--data"]).arg(&data));
        said.is_refused(3, "PORT_TAKEN");
        assert!(said.stderr.contains(&address.to_string()), "{said:?}");
    }
    drop(taken);
    let server = ServerProcess::start(&data);
    server.terminate();
    assert_eq!(server.ended().0.code(), Some(0));
}

#[test]
fn a_data_folder_that_cannot_be_written_is_refused_before_anything_is_made() {
    let here = folder();
    fs::write(here.path().join("file"), b"mine").unwrap();
    let serve = |data: &Path| run(marquee(&["serve", "--port", "0", "--https-port", "0", "--data"]).arg(data));
    for data in [here.path().join("file"), here.path().join("file/data"), PathBuf::from("/proc/marquee")] {
        let said = serve(&data);
        said.is_refused(3, "DATA_NOT_WRITABLE");
        assert!(said.stderr.contains(text(&data)), "{said:?}");
    }
    assert_eq!(fs::read(here.path().join("file")).unwrap(), b"mine");
    // A folder of somebody else's. Root may write anywhere, so root becomes nobody.
    let theirs = here.path().join("theirs");
    fs::create_dir(&theirs).unwrap();
    fs::set_permissions(&theirs, std::os::unix::fs::PermissionsExt::from_mode(0o555)).unwrap();
    fs::set_permissions(here.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    // SAFETY: it reads one number.
    #[allow(unsafe_code)]
    let is_root = unsafe { libc::geteuid() } == 0;
    for data in [theirs.clone(), theirs.join("data")] {
        let mut command = if is_root {
            let mut command = Command::new("setpriv");
            command.args(["--reuid", "65534", "--clear-groups", "--"]).arg(film::binary());
            command
        } else {
            Command::new(film::binary())
        };
        let said = run(command.args(["serve", "--port", "0", "--https-port", "0", "--data"]).arg(&data));
        said.is_refused(3, "DATA_NOT_WRITABLE");
    }
    assert_eq!(names(here.path()), ["file", "theirs"]);
    assert!(names(&theirs).is_empty());
}

#[test]
fn a_data_folder_has_one_server() {
    let here = folder();
    let data = here.path().join("data");
    let server = ServerProcess::start(&data);
    let film = film::file();
    for args in [
        vec!["serve", "--port", "0", "--https-port", "0", "--data", text(&data)],
        vec!["demo", "--port", "0", "--https-port", "0", "--film", text(&film), "--data", text(&data)],
    ] {
        let said = run(&mut marquee(&args));
        said.is_refused(3, "DATA_IN_USE");
        assert!(said.stderr.contains(text(&data)), "{said:?}");
    }
    // Its books may be looked at meanwhile, and it goes on.
    sound_report(&data);
    assert!(get(&server.base, "/readyz").starts_with("HTTP/1.1 200"));
    server.kill();
    // The lock dies with the process.
    let server = ServerProcess::start(&data);
    server.terminate();
    assert_eq!(server.ended().0.code(), Some(0));
}

#[test]
fn a_key_that_is_none_is_named_with_its_place() {
    let here = folder();
    let file = here.path().join("marquee.toml");
    let verbs: &[&[&str]] = &[&["serve"], &["check"], &["config", "check"], &["config", "print"]];
    for verb in verbs {
        let command = || {
            let mut command = marquee(verb);
            command.current_dir(here.path());
            command
        };
        for (wrong, place, name) in [
            ("[http]\nport = 1\nprot = 2\n", "line 3", "prot"),
            ("data = \"x\"\n\n[htpt]\n", "line 3", "htpt"),
            ("mode = \"tset\"\n", "line 1", "tset"),
            ("data = \n", "line 1", "data"),
        ] {
            // The file of the working folder, and one that is named.
            fs::write(&file, wrong).unwrap();
            let said = run(&mut command());
            said.is_refused(3, "CONFIG_INVALID");
            for hint in [place, name, "marquee.toml"] {
                assert!(said.stderr.contains(hint), "{hint} is not in {said:?}");
            }
            fs::rename(&file, here.path().join("named.toml")).unwrap();
            run(command().args(["--config", "named.toml"])).is_refused(3, "CONFIG_INVALID");
        }
        fs::remove_file(here.path().join("named.toml")).unwrap();
        for (name, value) in [
            ("MARQUEE_HTTP__PROT", "2"),
            ("MARQUEE_PORT", "80"),
            ("MARQUEE_HTTP__PORT", "eighty"),
            ("MARQUEE_MODE", "tset"),
            ("MARQUEE_PLACE__DEFAULT_TERRITORY", "China"),
            ("MARQUEE_DATA__X", "1"),
        ] {
            let said = run(command().env(name, value));
            said.is_refused(3, "CONFIG_INVALID");
            assert!(said.stderr.contains(name), "{name} is not in {said:?}");
        }
        run(command().args(["--config", "nowhere.toml"])).is_refused(3, "CONFIG_UNREADABLE");
        run(command().env("MARQUEE_CONFIG", "nowhere.toml")).is_refused(3, "CONFIG_UNREADABLE");
        assert!(names(here.path()).is_empty(), "{verb:?} made something");
    }
    // What is not ours is not read, however odd.
    let odd = OsStr::from_bytes(b"\xff\xfe");
    let said = run(marquee(&["config", "check"]).current_dir(here.path()).env("ODD", odd).env(odd, "x"));
    assert_eq!((said.exit, said.stdout.as_str()), (Some(0), ""), "{said:?}");
}

#[test]
fn a_film_that_is_none_is_refused_and_leaves_nothing() {
    let (films, outs) = (folder(), folder());
    let make = |name: &str, bytes: &[u8]| {
        let path = films.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let whole = fs::read(film::file()).unwrap();
    let sound = films.path().join("sound.m4a");
    let tone = ["-v", "error", "-f", "lavfi", "-i", "sine=duration=2", "-c:a", "aac", text(&sound)];
    assert!(Command::new("ffmpeg").args(tone).status().unwrap().success());
    for (film, exit, code) in [
        (make("text.mp4", "not a film, whatever its name says\n".repeat(500).as_bytes()), 1, "INPUT_NOT_A_FILM"),
        (make("empty.mp4", b""), 1, "INPUT_EMPTY"),
        (make("half.mp4", &whole[..whole.len() / 2]), 1, "INPUT_TRUNCATED"),
        (make("noise.mp4", &whole.iter().map(|byte| byte ^ 0x5a).collect::<Vec<_>>()), 1, "INPUT_NOT_A_FILM"),
        (sound.clone(), 1, "INPUT_NO_VIDEO"),
        (films.path().to_owned(), 1, "INPUT_NOT_A_FILM"),
        (films.path().join("nowhere.mp4"), 4, "INPUT_NOT_FOUND"),
    ] {
        for more in [&[] as &[&str], &["--json"], &["--copy"]] {
            let said = run(marquee(&["package"]).arg(&film).args(more).arg("--out").arg(outs.path().join("out")));
            said.is_refused(exit, code);
            assert!(names(outs.path()).is_empty(), "{code} left {:?}", names(outs.path()));
        }
    }
    // An output that is taken, or cannot be.
    let taken = outs.path().join("taken");
    fs::create_dir(&taken).unwrap();
    fs::write(taken.join("mine"), b"x").unwrap();
    let package = |out: &Path| run(marquee(&["package"]).arg(film::file()).arg("--out").arg(out));
    package(&taken).is_refused(1, "OUTPUT_EXISTS");
    package(&taken.join("mine")).is_refused(1, "OUTPUT_EXISTS");
    package(&taken.join("mine/out")).is_refused(3, "OUTPUT_NOT_WRITABLE");
    assert_eq!((names(outs.path()), names(&taken)), (vec!["taken".into()], vec!["mine".into()]));
    assert_eq!(fs::read(taken.join("mine")).unwrap(), b"x");
}

#[test]
fn a_package_that_is_interrupted_leaves_nothing() {
    let outs = folder();
    for name in ["-INT", "-TERM"] {
        let mut command = marquee(&["package"]);
        command.arg(film::file()).arg("--out").arg(outs.path().join("out"));
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let start = Instant::now();
        while names(outs.path()).is_empty() {
            assert!(start.elapsed() < END_MAX);
        }
        signal(child.id(), name);
        wait(&mut child, END_MAX);
        Said::new(child.wait_with_output().unwrap()).is_refused(1, "CANCELLED");
        assert!(names(outs.path()).is_empty(), "{name} left {:?}", names(outs.path()));
    }
}

/// A data folder with one sale, closed.
async fn sold(data: &Path) {
    let server = Server::start_at(Clock::system().now(), |config| data.clone_into(&mut config.data)).await;
    let (_, offer) = server.pvod().await;
    let viewer = server.viewer("ann").await;
    server.buy(&viewer, offer).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_finds_what_was_tampered_with_and_makes_nothing() {
    let here = folder();
    for args in [&[] as &[&str], &["--json"]] {
        let said = run(marquee(&["check", "--data", "nowhere"]).args(args).current_dir(here.path()));
        said.is_refused(4, "DATA_NOT_FOUND");
        run(marquee(&["check"]).args(args).current_dir(here.path())).is_refused(4, "DATA_NOT_FOUND");
    }
    assert!(names(here.path()).is_empty());

    let data = here.path().join("data");
    sold(&data).await;
    let report = sound_report(&data);
    assert_eq!((report["entries"].as_u64(), report["grants"].as_u64()), (Some(1), Some(1)), "{report}");
    let file = data.join("db/marquee.sqlite");
    for (tampering, finding) in [
        ("DELETE FROM viewer_grant", "GRANT_COUNT_WRONG"),
        (
            "DROP TRIGGER posting_never_changes; UPDATE posting SET amount_minor = amount_minor * 2",
            "ENTRY_CHAIN_BROKEN",
        ),
        ("UPDATE posting SET amount_minor = amount_minor + 1 WHERE line = 0", "ENTRY_DAMAGED"),
    ] {
        let mut connection = sqlx::SqliteConnection::connect(&format!("sqlite:{}", file.display())).await.unwrap();
        sqlx::raw_sql(tampering).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        let said = run(marquee(&["check", "--data"]).arg(&data));
        assert_eq!(said.exit, Some(7), "{said:?}");
        assert!(said.stderr.contains("[CHECK_FAILED]") && said.stdout.contains(finding), "{finding}: {said:?}");
        let said = run(marquee(&["check", "--json", "--data"]).arg(&data));
        let report: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
        assert_eq!((said.exit, &report["sound"]), (Some(7), &serde_json::json!(false)), "{said:?}");
        let codes: Vec<_> = report["findings"].as_array().unwrap().iter().map(|found| &found["code"]).collect();
        assert!(codes.contains(&&serde_json::json!(finding)), "{codes:?}");
    }
    fs::write(&file, "no database at all ".repeat(1_000)).unwrap();
    run(marquee(&["check", "--data"]).arg(&data)).is_refused(7, "DB_CORRUPT");
}

fn get(base: &str, path: &str) -> String {
    let mut answer = String::new();
    request(base, path).read_to_string(&mut answer).unwrap();
    answer
}

/// A request on a connection that takes in little at a time.
fn request(base: &str, path: &str) -> TcpStream {
    let address: std::net::SocketAddr = base.strip_prefix("http://").unwrap().parse().unwrap();
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    socket.connect(&address.into()).unwrap();
    let mut stream = TcpStream::from(socket);
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_told_to_end_finishes_the_download_that_is_open() {
    let here = folder();
    let data = here.path().join("data");
    let poster = {
        let folder = data.clone();
        let server = Server::start_at(Clock::system().now(), |config| config.data = folder).await;
        let asset = server.asset().await;
        let title = server.title(asset).await;
        server.avail(title, marquee::rights::avail::LicenseType::Avod, None).await;
        server.stop().await;
        // More than any socket buffer holds.
        fs::write(data.join(format!("objects/assets/{asset}/poster.jpg")), vec![7; POSTER_BYTES]).unwrap();
        format!("/api/v1/titles/{title}/poster.jpg")
    };
    for name in ["-TERM", "-INT"] {
        let mut server = ServerProcess::start(&data);
        let mut stream = request(&server.base, &poster);
        let mut head = [0; 12];
        stream.read_exact(&mut head).unwrap();
        assert_eq!(&head, b"HTTP/1.1 200");
        signal(server.id(), name);
        std::thread::sleep(Duration::from_millis(1_000));
        assert!(!server.has_ended(), "{name}: it did not wait for the download");
        let address: std::net::SocketAddr = server.base.strip_prefix("http://").unwrap().parse().unwrap();
        assert!(TcpStream::connect(address).is_err(), "{name}: it still takes connections");
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).unwrap();
        let end = rest.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
        assert_eq!(rest.len() - end, POSTER_BYTES, "{name}: the download was cut");
        let (status, talk) = server.ended();
        assert_eq!(status.code(), Some(0), "{talk}");
        assert!(talk.contains("Draining"), "{talk}");
    }
    sound_report(&data);
}

#[test]
fn a_server_whose_terminal_is_gone_still_serves_and_ends() {
    let here = folder();
    let mut command = marquee(&["serve", "--port", "0", "--https-port", "0", "--data"]);
    command.arg(here.path().join("data")).env("RUST_LOG", "debug").stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let listening = lines.find_map(|line| line.unwrap().strip_prefix("Listening on ").map(str::to_owned)).unwrap();
    // Nobody reads what it says from here on.
    drop(lines);
    let base = listening.split(' ').next().unwrap();
    for _ in 0..3 {
        assert!(get(base, "/readyz").starts_with("HTTP/1.1 200"));
        assert!(get(base, "/play/nonsense/main.m3u8").starts_with("HTTP/1.1 401"));
    }
    signal(child.id(), "-TERM");
    assert_eq!(wait(&mut child, END_MAX).code(), Some(0));
}

#[test]
fn a_reader_of_stdout_that_leaves_is_no_failure() {
    let mut child = marquee(&["openapi"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // `marquee openapi | head` leaves before the end.
    drop(child.stdout.take());
    let said = Said::new(child.wait_with_output().unwrap());
    assert_eq!((said.exit, said.stderr.as_str()), (Some(0), ""), "{said:?}");
}

/// The secret of the link that a server told of while it ran, which is one of its own address.
fn owner_link(data: &Path, more: &[&str]) -> Option<String> {
    let server = ServerProcess::start_with(data, more);
    let welcome = format!("{}/console/welcome#", server.base);
    server.terminate();
    let (status, talk) = server.ended();
    assert_eq!(status.code(), Some(0), "{talk}");
    let mut links = talk.lines().filter_map(|line| line.trim().strip_prefix(&welcome));
    let secret = links.next().map(str::to_owned);
    assert_eq!(links.next(), None, "{talk}");
    assert_eq!(secret.is_some(), talk.contains("welcome#"), "{talk}");
    secret
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_an_owner_gives_a_fresh_link_at_each_start() {
    let here = folder();
    let data = here.path().join("data");
    let first = owner_link(&data, &[]).unwrap();
    let second = owner_link(&data, &[]).unwrap();
    let folder = data.clone();
    let server = Server::start_at(Clock::system().now(), |config| config.data = folder).await;
    let from = std::net::IpAddr::from([127, 0, 0, 1]);
    let refused = server.app.accounts.check_link(&first, from).await.unwrap().err();
    assert_eq!(refused, Some(LinkRefusal::Expired), "a newer one took its place");
    let arrival = Arrival {
        secret: second,
        email: Some("olga@films.example".into()),
        name: Some("Olga".into()),
        password: "correct horse".into(),
    };
    let visit = Visit { address: from, device: "Test".into() };
    assert!(server.app.accounts.welcome(&arrival, &visit).await.unwrap().is_ok());
    server.stop().await;

    assert_eq!(owner_link(&data, &[]), None, "there is an owner");
    assert!(owner_link(&data, &["--owner-link"]).is_some(), "whoever starts the server may ask");
}

#[test]
fn a_demo_asks_for_its_film_once() {
    let here = folder();
    let demo = |more: &[&str]| {
        let mut command = marquee(&["demo", "--port", "0", "--https-port", "0"]);
        command.args(more).current_dir(here.path());
        command
    };
    run(&mut demo(&[])).is_refused(1, "FILM_NEEDED");
    run(&mut demo(&["--json"])).is_refused(1, "FILM_NEEDED");
    run(&mut demo(&["--film", "nowhere.mp4"])).is_refused(4, "INPUT_NOT_FOUND");
    assert!(names(here.path()).is_empty(), "{:?}", names(here.path()));
    fs::write(here.path().join("text.mp4"), "no film\n".repeat(1_000)).unwrap();
    run(&mut demo(&["--film", "text.mp4"])).is_refused(1, "INPUT_NOT_A_FILM");

    // After all that the right film works, and is needed no more.
    let film = film::file();
    for more in [&["--json", "--film", text(&film)] as &[&str], &["--json"]] {
        let mut child = demo(more).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let cinema: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(cinema["titles"].as_array().unwrap().len(), 6, "{cinema}");
        let console = cinema["console_url"].as_str().unwrap();
        assert_eq!(console, format!("{}/console", cinema["base_url"].as_str().unwrap()));
        assert!(cinema["operator_link"].as_str().unwrap().starts_with(&format!("{console}/welcome#")), "{cinema}");
        assert!(get(cinema["base_url"].as_str().unwrap(), "/readyz").starts_with("HTTP/1.1 200"));
        signal(child.id(), "-TERM");
        assert_eq!(wait(&mut child, END_MAX).code(), Some(0));
    }
    let data = here.path().join("marquee-demo");
    assert!(!data.join("work").exists());
    sound_report(&data);
}
