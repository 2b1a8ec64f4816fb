//! The one writer. It takes every write that waits, runs each in a savepoint of one transaction, commits once and only
//! then answers: many callers share one fsync, and none hears of a write that is not durable.
//!
//! A write whose caller went away is in the queue all the same and happens whole. A commit or a checkpoint that fails
//! with an I/O error ends the process: the kernel may have dropped the pages that it could not write, so asking it
//! again proves nothing, and what is on the disk is found out by the next start. A server that is lost is connected to
//! again, group by group.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use sqlx::Connection as _;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::error::{busy, closed, leaves_the_disk_unknown};
use super::{Connection, Dialect};
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::limits;

/// Writes that share one commit at most.
const GROUP_MAX: usize = 256;
/// The log is copied into the database file after this many writes.
const CHECKPOINT_EVERY_WRITES: usize = 512;

pub struct Writer {
    /// None once it was asked to finish.
    queue: Mutex<Option<mpsc::Sender<Box<dyn Write>>>>,
    commits: Arc<AtomicU64>,
    task: tokio::sync::Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    pub fn start(connection: Connection, dialect: Dialect) -> Writer {
        let (sender, queue) = mpsc::channel(limits::DB_WRITES_QUEUED_MAX);
        let commits = Arc::new(AtomicU64::new(0));
        let task = tokio::spawn(run(Desk { connection: Some(connection), dialect }, queue, commits.clone()));
        Writer { queue: Mutex::new(Some(sender)), commits, task: tokio::sync::Mutex::new(Some(task)) }
    }

    pub fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    pub async fn write<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut Connection) -> BoxFuture<'c, Result<T>> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let write = Box::new(Pending { work: Some(work), outcome: None, reply });
        {
            let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
            let sender = queue.as_ref().ok_or_else(closed)?;
            sender.try_send(write).map_err(|refused| match refused {
                mpsc::error::TrySendError::Full(_) => busy(),
                mpsc::error::TrySendError::Closed(_) => closed(),
            })?;
        }
        answer.await.map_err(|_| closed())?
    }

    /// Takes no more writes, waits for those in the queue and closes the connection.
    pub async fn finish(&self) {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = self.task.lock().await.take()
            && let Err(error) = task.await
        {
            tracing::error!("the writer of the database ended early: {error}");
        }
    }
}

/// One write on its way through the writer, whatever it gives back.
#[async_trait]
trait Write: Send {
    /// Does it and keeps what it gave.
    async fn run(&mut self, connection: &mut Connection);

    /// Why it failed, if it did.
    fn failure(&self) -> Option<&Error>;

    /// Tells the caller: what it gave, or why the whole group was lost.
    fn answer(self: Box<Self>, lost: Option<&GroupLoss>);
}

struct Pending<T, F> {
    work: Option<F>,
    outcome: Option<Result<T>>,
    reply: oneshot::Sender<Result<T>>,
}

#[async_trait]
impl<T, F> Write for Pending<T, F>
where
    T: Send + 'static,
    F: for<'c> FnOnce(&'c mut Connection) -> BoxFuture<'c, Result<T>> + Send + 'static,
{
    async fn run(&mut self, connection: &mut Connection) {
        let Some(work) = self.work.take() else { return };
        // A bug in one write must not take the writer, and so every other write, with it.
        let done = std::panic::AssertUnwindSafe(async { work(connection).await }).catch_unwind().await;
        self.outcome = Some(done.unwrap_or_else(|_| Err(Error::internal("a write panicked"))));
    }

    fn failure(&self) -> Option<&Error> {
        self.outcome.as_ref()?.as_ref().err()
    }

    fn answer(self: Box<Self>, lost: Option<&GroupLoss>) {
        let answer = match (self.outcome, lost) {
            // Its own error says more than that the group was lost.
            (Some(Err(error)), _) => Err(error),
            (_, Some(lost)) => Err(lost.error()),
            (Some(Ok(value)), None) => Ok(value),
            (None, None) => Err(Error::internal("a write was answered before it ran")),
        };
        // The caller may have gone away; the write stands.
        drop(self.reply.send(answer));
    }
}

/// Why nothing of a group was written; each of its callers gets an error of its own.
struct GroupLoss {
    kind: ErrorKind,
    code: &'static str,
    message: String,
    log_line: String,
}

impl From<sqlx::Error> for GroupLoss {
    fn from(error: sqlx::Error) -> GroupLoss {
        GroupLoss::because_of(&Error::from(error))
    }
}

impl GroupLoss {
    fn because_of(error: &Error) -> GroupLoss {
        GroupLoss {
            kind: error.kind(),
            code: error.code(),
            message: error.message().to_owned(),
            log_line: error.log_line(),
        }
    }

    fn error(&self) -> Error {
        Error::new(self.kind, self.code, self.message.clone())
            .with_internal(format!("the commit of the group failed: {}", self.log_line))
    }
}

/// The connection that writes; none after it was lost.
struct Desk {
    connection: Option<Connection>,
    dialect: Dialect,
}

async fn run(mut desk: Desk, mut queue: mpsc::Receiver<Box<dyn Write>>, commits: Arc<AtomicU64>) {
    let mut group = Vec::with_capacity(GROUP_MAX);
    let mut writes_since_checkpoint = 0;
    while queue.recv_many(&mut group, GROUP_MAX).await > 0 {
        let lost = desk.commit(&mut group).await.err();
        if lost.is_none() {
            commits.fetch_add(1, Ordering::Relaxed);
            writes_since_checkpoint += group.len();
        }
        for write in group.drain(..) {
            write.answer(lost.as_ref());
        }
        if writes_since_checkpoint >= CHECKPOINT_EVERY_WRITES {
            desk.checkpoint().await;
            writes_since_checkpoint = 0;
        }
    }
    desk.checkpoint().await;
    if let Some(connection) = desk.connection
        && let Err(error) = connection.close().await
    {
        tracing::warn!("the database did not close cleanly: {error}");
    }
}

impl Desk {
    /// Runs the group in one transaction.
    async fn commit(&mut self, group: &mut [Box<dyn Write>]) -> Result<(), GroupLoss> {
        let connection = self.begin().await?;
        let done = commit_group(connection, group).await;
        // After a failure the connection may be gone, or in the middle of something.
        if done.is_err() && self.dialect.reconnects() {
            self.connection = None;
        }
        done
    }

    /// Begins a transaction, over a new connection where the old one is gone: nothing was written yet.
    async fn begin(&mut self) -> sqlx::Result<&mut Connection> {
        if let Some(connection) = &mut self.connection
            && let Err(error) = self.dialect.begin(connection).await
        {
            if !self.dialect.reconnects() {
                return Err(error);
            }
            self.connection = None;
        }
        match &mut self.connection {
            Some(connection) => Ok(connection),
            lost => {
                let mut connection = self.dialect.connect().await?;
                self.dialect.begin(&mut connection).await?;
                Ok(lost.insert(connection))
            }
        }
    }

    async fn checkpoint(&mut self) {
        if let (Some(connection), Some(checkpoint)) = (&mut self.connection, self.dialect.checkpoint())
            && let Err(error) = statement(connection, checkpoint).await
        {
            end_if_unknown(&error);
            tracing::warn!("the log of the database could not be copied into its file yet: {error}");
        }
    }
}

async fn commit_group(connection: &mut Connection, group: &mut [Box<dyn Write>]) -> Result<(), GroupLoss> {
    let done = match run_group(connection, group).await {
        Ok(()) => statement(connection, "COMMIT").await.inspect_err(end_if_unknown).map_err(GroupLoss::from),
        Err(lost) => Err(lost),
    };
    if done.is_err() {
        // SQLite may have rolled back by itself, as it does when the disk is full; then this fails and means nothing.
        let _ = statement(connection, "ROLLBACK").await;
    }
    done
}

async fn run_group(connection: &mut Connection, group: &mut [Box<dyn Write>]) -> Result<(), GroupLoss> {
    for write in group {
        statement(connection, "SAVEPOINT one_write").await?;
        write.run(connection).await;
        if let Some(failure) = write.failure()
            && statement(connection, "ROLLBACK TO one_write").await.is_err()
        {
            // There is no savepoint any more: this failure took the whole transaction with it.
            return Err(GroupLoss::because_of(failure));
        }
        statement(connection, "RELEASE one_write").await?;
    }
    Ok(())
}

async fn statement(connection: &mut Connection, sql: &'static str) -> sqlx::Result<()> {
    sqlx::query(sql).execute(connection).await.map(|_| ())
}

fn end_if_unknown(error: &sqlx::Error) {
    if leaves_the_disk_unknown(error) {
        tracing::error!("a commit did not reach the disk, and nobody knows how much of it did; ending now: {error}");
        std::process::abort();
    }
}
