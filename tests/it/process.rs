//! The real program as a child process: a server that can be killed, and commands that end by themselves.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::film;

const START_MAX: Duration = Duration::from_secs(30);
const END_MAX: Duration = Duration::from_secs(60);

/// `marquee`, without anything of this process's environment that could configure it.
pub fn marquee(args: &[&str]) -> Command {
    let mut command = Command::new(film::binary());
    command.args(args).stdin(Stdio::null()).env_clear();
    for kept in ["PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH"] {
        if let Some(value) = std::env::var_os(kept) {
            command.env(kept, value);
        }
    }
    command
}

impl Said {
    /// It failed as it says, on stderr, and put nothing on stdout.
    pub fn is_refused(&self, exit: i32, code: &str) {
        assert_eq!(self.exit, Some(exit), "{self:?}");
        assert!(self.stderr.contains(&format!("[{code}]")), "{code} is not in {self:?}");
        assert!(self.stdout.is_empty(), "{self:?}");
        assert!(!self.stderr.contains("panicked"), "{self:?}");
    }
}

/// What a command that ended by itself said.
#[derive(Debug)]
pub struct Said {
    /// None when a signal ended it.
    pub exit: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Said {
    pub fn new(output: Output) -> Said {
        Said {
            exit: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

pub fn run(command: &mut Command) -> Said {
    Said::new(command.output().unwrap())
}

/// `marquee serve` in test mode, on free ports, in CN. Killed when dropped.
pub struct ServerProcess {
    child: Child,
    pub base: String,
    /// Everything it says, for the test that fails.
    talk: std::thread::JoinHandle<String>,
}

impl ServerProcess {
    pub fn start(data: &Path) -> ServerProcess {
        ServerProcess::start_with(data, &[])
    }

    pub fn start_with(data: &Path, more: &[&str]) -> ServerProcess {
        let mut child = marquee(&["serve", "--port", "0", "--https-port", "0", "--data"])
            .arg(data)
            .args(more)
            .env("MARQUEE_MODE", "test")
            .env("MARQUEE_PLACE__DEFAULT_TERRITORY", "CN")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (listening, heard) = mpsc::channel();
        let talk = std::thread::spawn(move || {
            let mut said = String::new();
            for line in lines.map_while(Result::ok) {
                if let Some(rest) = line.strip_prefix("Listening on ") {
                    let _ = listening.send(rest.split(' ').next().unwrap().to_owned());
                }
                said.push_str(&line);
                said.push('\n');
            }
            said
        });
        let Ok(base) = heard.recv_timeout(START_MAX) else {
            let _ = child.kill();
            let _ = child.wait();
            panic!("the server did not start: {}", talk.join().unwrap());
        };
        ServerProcess { child, base, talk }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// kill -9.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn terminate(&self) {
        signal(self.id(), "-TERM");
    }

    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits for the end; how it ended and everything it said.
    pub fn ended(mut self) -> (ExitStatus, String) {
        let status = wait(&mut self.child, END_MAX);
        let talk = std::mem::replace(&mut self.talk, std::thread::spawn(String::new));
        (status, talk.join().unwrap())
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn signal(process: u32, signal: &str) {
    assert!(Command::new("kill").args([signal, &process.to_string()]).status().unwrap().success());
}

/// # Panics
/// When it takes longer than `limit`; the process is killed then.
pub fn wait(child: &mut Child, limit: Duration) -> ExitStatus {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if start.elapsed() > limit {
            child.kill().unwrap();
            panic!("process {} did not end within {limit:?}", child.id());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// `marquee check --json` on a data folder: it must find nothing.
pub fn sound_report(data: &Path) -> serde_json::Value {
    let said = run(marquee(&["check", "--json", "--data"]).arg(data));
    assert_eq!(said.exit, Some(0), "{said:?}");
    let report: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(report["sound"], true, "{report}");
    report
}
