//! The PostgreSQL of a test run: one server for all tests of a process, a database for each test. It ends with the
//! process.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, Connection, PgConnection};

static SERVER: OnceLock<PostgresServer> = OnceLock::new();
static DATABASES: AtomicU32 = AtomicU32::new(1);

pub struct PostgresServer {
    port: u16,
}

impl PostgresServer {
    /// # Panics
    /// When there is no PostgreSQL: a missing service is a failure, never a skipped test.
    pub fn of_this_process() -> &'static PostgresServer {
        SERVER.get_or_init(|| {
            let (tell, told) = std::sync::mpsc::channel();
            // The server gets its signal when the thread that started it ends: this one ends with the process.
            std::thread::spawn(move || {
                let (server, mut child) = start();
                tell.send(server).unwrap();
                let _ = child.wait();
            });
            told.recv().expect("PostgreSQL has started")
        })
    }

    /// The address of a new database that is empty.
    pub async fn new_database(&self) -> String {
        let name = format!("test_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
        let mut connection = PgConnection::connect(&self.url("postgres")).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        self.url(&name)
    }

    pub fn url(&self, database: &str) -> String {
        format!("postgres://marquee@127.0.0.1:{}/{database}", self.port)
    }
}

fn start() -> (PostgresServer, Child) {
    let folder = folder();
    let programs = programs();
    let is_root = std::fs::metadata("/proc/self").map(|meta| std::os::unix::fs::MetadataExt::uid(&meta)).unwrap() == 0;
    // PostgreSQL refuses to run as root.
    let own = ["--reuid=postgres", "--regid=postgres", "--clear-groups"];
    let by_whom = if is_root { &own[..] } else { &[] };
    if is_root {
        assert!(Command::new("chown").arg("postgres:postgres").arg(&folder).status().unwrap().success());
    }
    let data = folder.join("data");
    let program = |name: &str| {
        let mut command = Command::new("setpriv");
        command.args(by_whom).args(["--pdeathsig=KILL", "--"]).arg(programs.join(name)).current_dir(&folder);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    let mut init = program("initdb");
    init.args(["--username=marquee", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "-D"])
        .arg(&data);
    assert!(init.status().unwrap().success(), "initdb");
    let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let mut server = program("postgres");
    server.arg("-D").arg(&data).arg("-k").arg(&folder).arg("-p").arg(port.to_string());
    // What a power cut would lose is not what these tests ask.
    server.args(["-c", "fsync=off", "-c", "max_connections=400"]);
    let child = server.spawn().unwrap();
    let start = Instant::now();
    let answers = || {
        let ready =
            Command::new(programs.join("pg_isready")).args(["-q", "-h", "127.0.0.1", "-p", &port.to_string()]).status();
        ready.unwrap().success()
    };
    while !answers() {
        assert!(start.elapsed() < Duration::from_secs(60), "PostgreSQL does not answer on port {port}");
        std::thread::sleep(Duration::from_millis(20));
    }
    (PostgresServer { port }, child)
}

/// A folder of this process; those of processes that are over go.
fn folder() -> PathBuf {
    const PREFIX: &str = "marquee-test-postgres-";
    for left in std::fs::read_dir(std::env::temp_dir()).unwrap().flatten() {
        let of = left.file_name().to_str().and_then(|name| name.strip_prefix(PREFIX).map(str::to_owned));
        if of.is_some_and(|process| !Path::new("/proc").join(process).exists()) {
            let _ = std::fs::remove_dir_all(left.path());
        }
    }
    let folder = std::env::temp_dir().join(format!("{PREFIX}{}", std::process::id()));
    std::fs::create_dir(&folder).unwrap();
    folder
}

/// Where Debian keeps its programs, which are not on the PATH.
fn programs() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let folder = versions.map(|version| version.path().join("bin")).find(|folder| folder.join("postgres").exists());
    folder.unwrap_or_else(|| {
        let on_path = std::env::var_os("PATH").and_then(|path| {
            std::env::split_paths(&path).find(|folder: &PathBuf| Path::new(folder).join("postgres").exists())
        });
        on_path.expect("there is no PostgreSQL. Install it: apt-get install postgresql")
    })
}
