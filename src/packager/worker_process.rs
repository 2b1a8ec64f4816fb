//! The worker as its supervisor has it: a process that was given its order and its files, and what it says.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};

use crate::base::error::{Error, Result};
use crate::base::limits;
use crate::packager::protocol::{WorkerMessage, WorkerOrder};
use crate::packager::refusal::Refusal;

/// A worker process and the line it speaks on. Killed when dropped.
pub struct Worker {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Worker {
    pub async fn start(program: &Path, order: &WorkerOrder, files: &[&File]) -> Result<Worker> {
        let broken = |what: &str| Error::internal(format!("the worker cannot be started: {what}"));
        let mut command = Command::new(program);
        command.env_clear().current_dir("/").kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        hand_over(&mut command, files);
        let mut child = command.spawn().map_err(|error| broken("spawn").with_source(error))?;
        let lines = child.stdout.take().map(BufReader::new).ok_or_else(|| broken("no stdout"))?;
        let mut line = serde_json::to_vec(order).map_err(|error| broken("order").with_source(error))?;
        line.push(b'\n');
        // Its stdin stays open: the worker ends when this side is gone.
        if let Some(stdin) = &mut child.stdin {
            stdin.write_all(&line).await.map_err(|error| broken("stdin").with_source(error))?;
        }
        Ok(Worker { child, lines })
    }

    /// The next thing the worker says.
    pub async fn next(&mut self, silence_max: Duration) -> Result<WorkerMessage> {
        let mut line = Vec::new();
        let mut bounded = (&mut self.lines).take(limits::WORKER_LINE_BYTES_MAX as u64);
        match tokio::time::timeout(silence_max, bounded.read_until(b'\n', &mut line)).await {
            Err(_) => Err(Refusal::WorkerStalled
                .error(format!("The worker said nothing for {} s and was stopped.", silence_max.as_secs()))),
            Ok(Err(error)) => Err(Error::internal("the worker cannot be heard").with_source(error)),
            Ok(Ok(_)) if line.len() >= limits::WORKER_LINE_BYTES_MAX => {
                Err(Error::internal("the worker said more than a line may hold"))
            }
            Ok(Ok(_)) if line.last() != Some(&b'\n') => {
                // It has closed its end; one that does not end by itself is ended.
                if tokio::time::timeout(limits::DRAIN_TIMEOUT, self.child.wait()).await.is_err() {
                    let _ = self.child.start_kill();
                }
                let status = self.child.wait().await;
                let how = status.map_or_else(|error| error.to_string(), |status| status.to_string());
                Err(Refusal::WorkerKilled
                    .error("The worker ended before its work did; nothing was published. Package the film again.")
                    .with_internal(how))
            }
            Ok(Ok(_)) => serde_json::from_slice(&line)
                .map_err(|error| Error::internal("the worker said something else").with_source(error)),
        }
    }

    /// Waits for a worker that has said its last word.
    pub async fn end(mut self) -> Result<()> {
        drop(self.child.stdin.take());
        let status = tokio::time::timeout(limits::DRAIN_TIMEOUT, self.child.wait()).await;
        match status {
            Ok(Ok(_)) => Ok(()),
            _ => Err(Refusal::WorkerStalled.error("The worker did not end.")),
        }
    }

    pub async fn kill(mut self) {
        if let Err(error) = self.child.kill().await {
            tracing::warn!(%error, "a worker could not be killed");
        }
    }
}

/// Lets the worker inherit these files, on the descriptors that its order names.
#[allow(unsafe_code)]
fn hand_over(command: &mut Command, files: &[&File]) {
    let descriptors: Vec<i32> = files.iter().map(|file| file.as_raw_fd()).collect();
    // SAFETY: between fork and exec only `fcntl` runs, which is async-signal-safe, on descriptors that `files` keeps
    // open until after the spawn.
    unsafe {
        command.pre_exec(move || {
            for &descriptor in &descriptors {
                if libc::fcntl(descriptor, libc::F_SETFD, 0) < 0 {
                    return Err(std::io::Error::last_os_error());
                }
            }
            Ok(())
        });
    }
}
