//! The collector: notes on sessions wait in a bounded queue and are written together. A note that finds the queue full,
//! or whose write fails, is dropped and counted: telemetry is worth less than what it tells of.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use http::{HeaderMap, HeaderName};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use tokio::sync::{Mutex, mpsc};

use crate::audience::news::{Item, News};
use crate::base::clock::Clock;
use crate::base::id::SessionId;
use crate::base::limits;
use crate::base::shutdown::Shutdown;
use crate::store::db::Db;
use crate::telemetry::cmcd::Cmcd;
use crate::telemetry::note::{Fact, Note, SessionNotes};

/// In this order they make one report.
static CMCD_HEADERS: [HeaderName; 4] = [
    HeaderName::from_static("cmcd-object"),
    HeaderName::from_static("cmcd-request"),
    HeaderName::from_static("cmcd-status"),
    HeaderName::from_static("cmcd-session"),
];

/// Takes notes and writes them.
pub struct Collector {
    db: Arc<dyn Db>,
    clock: Clock,
    queue: mpsc::Sender<(SessionId, Heard)>,
    heard: Mutex<mpsc::Receiver<(SessionId, Heard)>>,
    written: Counter<u64, AtomicU64>,
    dropped: Family<DropLabel, Counter>,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct DropLabel {
    why: &'static str,
}

/// A note, or the text that one will be read from: reading is the writer's work, not the media path's.
enum Heard {
    Note(Note),
    CmcdQuery(crate::base::clock::UtcMs, Box<str>),
    CmcdHeaders(crate::base::clock::UtcMs, Vec<Box<str>>),
}

impl Collector {
    pub fn new(db: Arc<dyn Db>, clock: Clock, registry: &mut Registry) -> Collector {
        let (queue, heard) = mpsc::channel(limits::TELEMETRY_QUEUED_MAX);
        let (written, dropped) = (Counter::default(), Family::default());
        registry.register("telemetry_notes_written", "Notes on sessions that were written", written.clone());
        registry.register("telemetry_notes_dropped", "Notes on sessions that were lost, by cause", dropped.clone());
        Collector { db, clock, queue, heard: Mutex::new(heard), written, dropped }
    }

    /// Takes a note; never waits.
    pub fn note(&self, session: SessionId, note: Note) {
        self.hear(session, Heard::Note(note));
    }

    /// This server saw something of a session.
    pub fn note_fact(&self, session: SessionId, fact: Fact) {
        self.note(session, Note::Server { at: self.clock.now(), fact });
    }

    /// Keeps what a request for media says as CMCD, in its query or its headers. Where it says nothing, nothing is
    /// allocated.
    pub fn note_request(&self, session: SessionId, query: Option<&str>, headers: &HeaderMap) {
        if let Some(query) = query.filter(|query| query.contains("CMCD=")) {
            if query.len() <= limits::URI_BYTES_MAX {
                self.hear(session, Heard::CmcdQuery(self.clock.now(), query.into()));
            }
            return;
        }
        if !CMCD_HEADERS.iter().any(|name| headers.contains_key(name)) {
            return;
        }
        let lists = CMCD_HEADERS.iter().filter_map(|name| headers.get(name)?.to_str().ok());
        let lists = lists.filter(|list| list.len() <= limits::CMCD_BYTES_MAX).map(Box::from).collect();
        self.hear(session, Heard::CmcdHeaders(self.clock.now(), lists));
    }

    fn hear(&self, session: SessionId, heard: Heard) {
        if self.queue.try_send((session, heard)).is_err() {
            self.count_dropped("queue_full", 1);
        }
    }

    /// Writes what waits now; how many notes that were.
    pub async fn write_queued(&self) -> usize {
        let mut heard = self.heard.lock().await;
        let mut notes = Vec::new();
        while notes.len() < limits::TELEMETRY_QUEUED_MAX
            && let Ok(note) = heard.try_recv()
        {
            notes.push(note);
        }
        drop(heard);
        let count = notes.len();
        while !notes.is_empty() {
            let rest = notes.split_off(notes.len().min(limits::TELEMETRY_BATCH_MAX));
            self.write(notes).await;
            notes = rest;
        }
        count
    }

    /// Writes until shutdown, and then what is left.
    pub async fn run(&self, news: &News, shutdown: Shutdown) {
        loop {
            tokio::select! {
                () = shutdown.begun() => break,
                () = tokio::time::sleep(limits::TELEMETRY_WRITE_EVERY) => {}
            }
            if self.write_queued().await > 0 {
                news.tell(Item::Telemetry);
            }
        }
        self.write_queued().await;
    }

    async fn write(&self, heard: Vec<(SessionId, Heard)>) {
        let count = heard.len() as u64;
        let notes = by_session(heard);
        match self.db.record_notes(&notes).await {
            Ok(()) => {
                self.written.inc_by(count);
            }
            Err(error) => {
                tracing::warn!(error = error.log_line(), count, "notes on sessions were not written");
                self.count_dropped("write_failed", count);
            }
        }
    }

    fn count_dropped(&self, why: &'static str, count: u64) {
        self.dropped.get_or_create(&DropLabel { why }).inc_by(count);
    }
}

/// Reads what was heard, and puts together what is of one session, in the order it came.
fn by_session(heard: Vec<(SessionId, Heard)>) -> Vec<SessionNotes> {
    let mut notes: Vec<SessionNotes> = Vec::new();
    let mut places: HashMap<SessionId, usize> = HashMap::new();
    for (session_id, heard) in heard {
        let note = match heard {
            Heard::Note(note) => note,
            Heard::CmcdQuery(at, query) => match Cmcd::from_query(&query) {
                Some(report) => Note::Cmcd { at, report },
                None => continue,
            },
            Heard::CmcdHeaders(at, lists) => {
                let mut report = Cmcd::default();
                for list in &lists {
                    report.add_list(list);
                }
                Note::Cmcd { at, report }
            }
        };
        if matches!(&note, Note::Cmcd { report, .. } if report.is_empty()) {
            continue;
        }
        let place = *places.entry(session_id).or_insert_with(|| {
            notes.push(SessionNotes { session_id, notes: Vec::new() });
            notes.len() - 1
        });
        notes[place].notes.push(note);
    }
    notes
}
