//! A delivery: which file a party was sent under a deal that it shows its own copy by, and what it said of it. Nothing of
//! it is edited or taken away: a file that must not be used is recalled, and another file is another delivery.
//!
//! ```text
//! sent ── answer ──> accepted, rejected
//!   └──── recall ──────────┴──────────> recalled
//! ```

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::base::clock::UtcMs;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::id::{DealId, DeliveryId, OperatorId};
use crate::base::limits;
use crate::rights::deal::{Carriage, Deal};

/// How long before a broadcast its files are missed, and for how long after its beginning.
const MISSED_FOR: Duration = Duration::from_secs(7 * 24 * 3600);

/// What was sent, as it stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    pub id: DeliveryId,
    pub deal_id: DealId,
    /// Counted from 1.
    pub part: u32,
    pub file_name: String,
    /// Of the file, in the words of whoever made it.
    pub format: String,
    /// In lower-case hex.
    pub sha256: String,
    pub size_bytes: u64,
    pub runtime_ms: Option<i64>,
    /// How it went: over which service, or on what.
    pub method: String,
    pub note: Option<String>,
    pub sent_at: UtcMs,
    pub sent_by: OperatorId,
    pub created_at: UtcMs,
}

/// What the party said of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    pub accepted: bool,
    pub reason: Option<String>,
    pub at: UtcMs,
    /// Under whom its audit line stands.
    pub by: String,
    /// One of our operators wrote down what the party said.
    pub for_party: bool,
}

/// A file is not to be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recall {
    pub reason: String,
    pub at: UtcMs,
    pub by: OperatorId,
}

/// A delivery with what has become of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivered {
    pub delivery: Delivery,
    pub answer: Option<Answer>,
    pub recall: Option<Recall>,
}

/// A delivery that was not recalled, as far as its deal needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StandingDelivery {
    pub id: DeliveryId,
    pub deal_id: DealId,
    pub part: u32,
    pub sent_at: UtcMs,
    pub status: DeliveryStatus,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryStatus {
    Sent,
    Accepted,
    Rejected,
    Recalled,
}

impl DeliveryStatus {
    pub fn as_str(self) -> &'static str {
        match self {
            DeliveryStatus::Sent => "sent",
            DeliveryStatus::Accepted => "accepted",
            DeliveryStatus::Rejected => "rejected",
            DeliveryStatus::Recalled => "recalled",
        }
    }

    pub fn parse(text: &str) -> Option<DeliveryStatus> {
        [DeliveryStatus::Sent, DeliveryStatus::Accepted, DeliveryStatus::Rejected, DeliveryStatus::Recalled]
            .into_iter()
            .find(|status| status.as_str() == text)
    }

    /// How far from asking for something to be done.
    pub fn settled(self) -> u8 {
        match self {
            DeliveryStatus::Rejected => 0,
            DeliveryStatus::Sent => 1,
            DeliveryStatus::Accepted => 2,
            DeliveryStatus::Recalled => 3,
        }
    }
}

impl Delivery {
    /// Refuses a deal whose party has no copy of its own, and what cannot have been sent. A title that nothing has been
    /// packaged for is taken to have one part.
    pub fn check(&self, deal: &Deal, parts: u32) -> Result<()> {
        let refuse = |param: &str, message: String| {
            Err(Error::new(ErrorKind::Unprocessable, "DELIVERY_INVALID", message).with_param(param))
        };
        if !deal.is_shown_from_own_copy() {
            let message = "Viewers of this deal's party play from this server: it is sent no file.";
            return Err(Error::new(ErrorKind::Conflict, "DEAL_STREAMS_HERE", message));
        }
        let parts = parts.max(1);
        if !(1..=parts).contains(&self.part) {
            return refuse("part", format!("The title has parts 1 to {parts}."));
        }
        let max = limits::NAME_CHARS_MAX;
        for (param, line) in [("file_name", &self.file_name), ("format", &self.format), ("method", &self.method)] {
            if line.trim().is_empty() || line.chars().count() > max || line.chars().any(char::is_control) {
                return refuse(param, format!("This is one line of 1 to {max} characters."));
            }
        }
        if self.sha256.len() != 64 || !self.sha256.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return refuse("sha256", "SHA-256 of the file is 64 digits in hex.".into());
        }
        if !(1..=limits::DELIVERY_BYTES_MAX).contains(&self.size_bytes) {
            return refuse("size_bytes", format!("A file has 1 to {} bytes.", limits::DELIVERY_BYTES_MAX));
        }
        let runtime_ms_max = limits::DELIVERY_RUNTIME_MAX.as_millis() as i64;
        if self.runtime_ms.is_some_and(|runtime_ms| !(1..=runtime_ms_max).contains(&runtime_ms)) {
            let hours = runtime_ms_max / 3_600_000;
            return refuse("runtime_seconds", format!("A file runs for a millisecond to {hours} hours."));
        }
        if self.note.as_ref().is_some_and(|note| note.chars().count() > limits::REASON_CHARS_MAX) {
            return refuse("note", format!("A note has at most {} characters.", limits::REASON_CHARS_MAX));
        }
        if self.sent_at > self.created_at {
            return refuse("sent_at", "Record a file once it is sent: that is still to come.".into());
        }
        Ok(())
    }
}

impl Answer {
    /// Whoever rejects a file says why.
    pub fn check(&self) -> Result<()> {
        let refuse =
            |message: String| Err(Error::new(ErrorKind::Unprocessable, "REASON_INVALID", message).with_param("reason"));
        let max = limits::REASON_CHARS_MAX;
        match &self.reason {
            None if !self.accepted => refuse(format!("Say why the file is rejected, in 1 to {max} characters.")),
            Some(reason) if reason.trim().is_empty() || reason.chars().count() > max => {
                refuse(format!("Give a reason of 1 to {max} characters."))
            }
            _ => Ok(()),
        }
    }
}

impl Delivered {
    pub fn status(&self) -> DeliveryStatus {
        match (&self.recall, &self.answer) {
            (Some(_), _) => DeliveryStatus::Recalled,
            (None, Some(Answer { accepted: true, .. })) => DeliveryStatus::Accepted,
            (None, Some(Answer { accepted: false, .. })) => DeliveryStatus::Rejected,
            (None, None) => DeliveryStatus::Sent,
        }
    }

    /// Why it is what it is.
    pub fn reason(&self) -> Option<&str> {
        let answered = || self.answer.as_ref().and_then(|answer| answer.reason.as_deref());
        self.recall.as_ref().map(|recall| recall.reason.as_str()).or_else(answered)
    }

    /// The delivery with what the party said of it; it says that once.
    pub fn answered(self, answer: Answer) -> Result<Delivered> {
        self.refuse_recalled()?;
        if let Some(said) = &self.answer {
            let said = if said.accepted { "accepted" } else { "rejected" };
            let message = format!("This file was {said} before. Another file is another delivery.");
            return Err(Error::new(ErrorKind::Conflict, "DELIVERY_ANSWERED", message));
        }
        Ok(Delivered { answer: Some(answer), ..self })
    }

    pub fn recalled(self, recall: Recall) -> Result<Delivered> {
        self.refuse_recalled()?;
        Ok(Delivered { recall: Some(recall), ..self })
    }

    fn refuse_recalled(&self) -> Result<()> {
        if self.recall.is_none() {
            return Ok(());
        }
        let message = "This file was recalled and is not to be used. Wait for the next one, or send it.";
        Err(Error::new(ErrorKind::Conflict, "DELIVERY_RECALLED", message))
    }
}

/// The parts that a channel has accepted no file of, from a week before its broadcasts begin to a week after it.
pub fn missing_parts(deal: &Deal, parts: u32, standing: &[StandingDelivery], now: UtcMs) -> Vec<u32> {
    let start_at = deal.window.start_at;
    let is_near = now >= start_at - MISSED_FOR && now < start_at + MISSED_FOR;
    if !matches!(deal.carriage, Carriage::Broadcast { .. }) || !is_near || !deal.is_alive(now) {
        return Vec::new();
    }
    let is_there = |part: u32| {
        let accepted = |delivery: &StandingDelivery| {
            (delivery.deal_id, delivery.part, delivery.status) == (deal.id, part, DeliveryStatus::Accepted)
        };
        standing.iter().any(accepted)
    };
    (1..=parts.max(1)).filter(|part| !is_there(*part)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::id::{PartyId, TitleId};
    use crate::base::territory::TerritorySet;
    use crate::rights::avail::LicenseType;
    use crate::rights::window::Window;

    const NOW: UtcMs = UtcMs(1_800_000_000_000);

    fn deal(carriage: Carriage) -> Deal {
        Deal {
            id: DealId::new(NOW),
            title_id: TitleId::new(NOW),
            party_id: PartyId::new(NOW),
            contract: None,
            carriage,
            territories: TerritorySet::world(),
            window: Window { start_at: NOW, end_at: None, zone: "UTC".into() },
            caps: None,
            exclusivity: None,
            opened_at: None,
            revoked_at: None,
        }
    }

    fn broadcast() -> Deal {
        deal(Carriage::Broadcast {
            channel: "Films".into(),
            clearance: "filed".into(),
            runs: 1,
            slots: vec![],
            catch_up: false,
        })
    }

    fn delivery(deal: &Deal, part: u32) -> Delivery {
        Delivery {
            id: DeliveryId::new(NOW),
            deal_id: deal.id,
            part,
            file_name: "film.mxf".into(),
            format: "MXF OP1a, XDCAM HD422 50i".into(),
            sha256: "0f".repeat(32),
            size_bytes: 1,
            runtime_ms: Some(1),
            method: "Aspera".into(),
            note: None,
            sent_at: NOW,
            sent_by: OperatorId::new(NOW),
            created_at: NOW,
        }
    }

    fn answer(accepted: bool, reason: Option<&str>) -> Answer {
        Answer { accepted, reason: reason.map(str::to_owned), at: NOW, by: "par_1".into(), for_party: false }
    }

    #[test]
    fn what_cannot_have_been_sent_is_refused_by_its_field() {
        let deal = broadcast();
        let good = delivery(&deal, 1);
        let max = limits::NAME_CHARS_MAX;
        for (delivery, param) in [
            (good.clone(), None),
            (Delivery { part: 2, ..good.clone() }, None),
            (Delivery { part: 0, ..good.clone() }, Some("part")),
            (Delivery { part: 3, ..good.clone() }, Some("part")),
            (Delivery { file_name: "版".repeat(max), ..good.clone() }, None),
            (Delivery { file_name: "版".repeat(max + 1), ..good.clone() }, Some("file_name")),
            (Delivery { file_name: "two\nlines".into(), ..good.clone() }, Some("file_name")),
            (Delivery { format: " ".into(), ..good.clone() }, Some("format")),
            (Delivery { method: String::new(), ..good.clone() }, Some("method")),
            (Delivery { sha256: "0F".repeat(32), ..good.clone() }, Some("sha256")),
            (Delivery { sha256: "0f".repeat(31), ..good.clone() }, Some("sha256")),
            (Delivery { size_bytes: 0, ..good.clone() }, Some("size_bytes")),
            (Delivery { size_bytes: limits::DELIVERY_BYTES_MAX, ..good.clone() }, None),
            (Delivery { size_bytes: limits::DELIVERY_BYTES_MAX + 1, ..good.clone() }, Some("size_bytes")),
            (Delivery { runtime_ms: None, ..good.clone() }, None),
            (Delivery { runtime_ms: Some(0), ..good.clone() }, Some("runtime_seconds")),
            (Delivery { runtime_ms: Some(168 * 3_600_000), ..good.clone() }, None),
            (Delivery { runtime_ms: Some(168 * 3_600_000 + 1), ..good.clone() }, Some("runtime_seconds")),
            (Delivery { note: Some("n".repeat(500)), ..good.clone() }, None),
            (Delivery { note: Some("n".repeat(501)), ..good.clone() }, Some("note")),
            (Delivery { sent_at: UtcMs(NOW.0 + 1), ..good.clone() }, Some("sent_at")),
        ] {
            let refused = delivery.check(&deal, 2).err();
            assert_eq!(refused.as_ref().and_then(Error::param), param, "{delivery:?}");
            assert!(refused.is_none_or(|error| error.code() == "DELIVERY_INVALID"));
        }
        // A title that nothing is packaged for yet has one part.
        assert!(good.check(&deal, 0).is_ok());
        assert_eq!(Delivery { part: 2, ..good }.check(&deal, 0).unwrap_err().param(), Some("part"));
    }

    #[test]
    fn whoever_plays_from_here_is_sent_nothing() {
        let platform = |streams| deal(Carriage::Platform { license_type: LicenseType::Vod, price: None, streams });
        let sent = |deal: Deal| delivery(&deal, 1).check(&deal, 1).map_err(|error| error.code());
        assert_eq!([platform(None), deal(Carriage::Cinema), broadcast()].map(sent), [Ok(()); 3]);
        assert_eq!(sent(platform(Some(1))), Err("DEAL_STREAMS_HERE"));
    }

    #[test]
    fn a_file_is_answered_once_and_recalled_once() {
        let sent = Delivered { delivery: delivery(&broadcast(), 1), answer: None, recall: None };
        let recall = Recall { reason: "no sound".into(), at: NOW, by: OperatorId::new(NOW) };
        let accepted = sent.clone().answered(answer(true, None)).unwrap();
        let rejected = sent.clone().answered(answer(false, Some("dropouts"))).unwrap();
        let recalled = rejected.clone().recalled(recall.clone()).unwrap();
        let told = |delivered: &Delivered| (delivered.status(), delivered.reason().map(str::to_owned));
        assert_eq!(told(&sent), (DeliveryStatus::Sent, None));
        assert_eq!(told(&accepted), (DeliveryStatus::Accepted, None));
        assert_eq!(told(&rejected), (DeliveryStatus::Rejected, Some("dropouts".into())));
        assert_eq!(told(&recalled), (DeliveryStatus::Recalled, Some("no sound".into())));
        assert_eq!(accepted.clone().answered(answer(true, None)).unwrap_err().code(), "DELIVERY_ANSWERED");
        assert_eq!(recalled.clone().answered(answer(true, None)).unwrap_err().code(), "DELIVERY_RECALLED");
        assert_eq!(recalled.recalled(recall.clone()).unwrap_err().code(), "DELIVERY_RECALLED");
        assert!(accepted.recalled(recall).is_ok());

        let long = "n".repeat(501);
        for (accepted, reason, is_good) in [
            (true, None, true),
            (false, None, false),
            (true, Some("fine"), true),
            (false, Some("dropouts"), true),
            (false, Some(" "), false),
            (false, Some(&long[..500]), true),
            (false, Some(&long[..]), false),
        ] {
            assert_eq!(answer(accepted, reason).check().is_ok(), is_good, "{accepted} {reason:?}");
        }
    }

    #[test]
    fn each_part_is_missed_from_a_week_before_to_a_week_after() {
        let week = MISSED_FOR.as_millis() as i64;
        let deal = broadcast();
        let standing = |part, status| {
            let Delivery { id, deal_id, sent_at, .. } = delivery(&deal, part);
            StandingDelivery { id, deal_id, part, sent_at, status }
        };
        let there = [standing(1, DeliveryStatus::Accepted), standing(2, DeliveryStatus::Rejected)];
        for (offset_ms, missing) in [(-week - 1, false), (-week, true), (0, true), (week - 1, true), (week, false)] {
            let now = UtcMs(NOW.0 + offset_ms);
            let expected = |parts: &[u32]| if missing { parts.to_vec() } else { Vec::new() };
            assert_eq!(missing_parts(&deal, 3, &there, now), expected(&[2, 3]), "{offset_ms}");
            assert_eq!(missing_parts(&deal, 0, &[], now), expected(&[1]), "{offset_ms}");
            assert_eq!(missing_parts(&deal, 1, &there, now), [0; 0]);
        }
        let revoked = Deal { revoked_at: Some(NOW), ..deal.clone() };
        let cinema = Deal { carriage: Carriage::Cinema, ..deal.clone() };
        let other = Deal { id: DealId::new(UtcMs(1)), ..deal };
        assert_eq!([revoked, cinema].map(|deal| missing_parts(&deal, 1, &[], NOW).len()), [0, 0]);
        assert_eq!(missing_parts(&other, 1, &there, NOW), [1], "what another deal's party accepted is its own");
    }
}
