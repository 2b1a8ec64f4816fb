//! What was found: findings with the check that each breaks, and what was looked at.

use serde::Serialize;

use crate::base::limits;
use crate::inspect::check::{Check, Severity};

/// A rule that is broken, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub check: &'static Check,
    /// A playlist and its line, a segment, a box with its offset.
    pub place: String,
    /// What was found there.
    pub message: String,
}

/// A finding as JSON has it.
#[derive(Serialize)]
struct FindingJson<'a> {
    id: &'static str,
    severity: Severity,
    clause: &'static str,
    rule: &'static str,
    place: &'a str,
    message: &'a str,
}

impl Serialize for Finding {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Check { id, severity, clause, rule } = *self.check;
        FindingJson { id, severity, clause, rule, place: &self.place, message: &self.message }.serialize(serializer)
    }
}

/// All findings of one inspection, as many as are worth telling.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Findings {
    pub list: Vec<Finding>,
    /// Further ones of the same kinds in the same files, which are only counted.
    pub more: u64,
}

impl Findings {
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub fn count(&self) -> u64 {
        self.list.len() as u64 + self.more
    }

    /// Of this severity, among those that are told.
    pub fn of(&self, severity: Severity) -> usize {
        self.list.iter().filter(|finding| finding.check.severity == severity).count()
    }

    /// Notes that `check` is broken at `place` of `subject`.
    pub fn note(&mut self, check: &'static Check, subject: &str, place: impl std::fmt::Display, message: String) {
        let place = format!("{subject}{place}");
        let alike = self.list.iter().filter(|other| other.check == check && other.place.starts_with(subject)).count();
        if alike >= limits::INSPECT_FINDINGS_OF_A_KIND_MAX || self.list.len() >= limits::INSPECT_FINDINGS_MAX {
            self.more += 1;
            return;
        }
        let finding = Finding { check, place, message };
        if !self.list.contains(&finding) {
            self.list.push(finding);
        }
    }
}
