//! The compliance of a title in China: where it stands between planning and its release licence, as the facts that
//! operators have recorded. The state is computed from them, so that it cannot disagree with them.
//!
//! ```text
//! none ─plan→ planned ─submit→ in_review ─licence recorded and confirmed→ licensed (filed: under an online filing number)
//! none ─declare ordinary→ ordinary                  free of charge and not promoted: no licence needed
//! licensed ─another name, cut or length→ change_pending ─confirmed again→ licensed
//! licensed ─its end comes→ expired ─another licence→ in_review
//! any that has a licence ─revoke→ revoked           for good, for that licence; until another one is confirmed
//! ```
//!
//! What the regulator takes for a key production ([`crate::catalog::thresholds`]) is not ordinary, whatever was declared.
//!
//! It applies to what was made in China, in China; of what was made elsewhere the state is `not_applicable`, and where nobody
//! has said where it was made, it may have been made in China.

use serde::{Deserialize, Serialize};

use crate::base::clock::UtcMs;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::id::{AssetId, OperatorId};
use crate::base::limits;
use crate::base::territory::Territory;
use crate::catalog::details::TitleDetails;
use crate::catalog::licence::{Licence, LicenceKind, card_name};
use crate::catalog::thresholds::Scale;
use crate::catalog::title::Title;

/// What is recorded of a title besides its licence.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Compliance {
    /// 规划备案号
    pub planning_number: Option<String>,
    /// When that was filed.
    pub planned_at: Option<UtcMs>,
    /// Since when the finished film lies with the regulator.
    pub submitted_at: Option<UtcMs>,
    pub confirmation: Option<Confirmation>,
    /// From this instant the licence no longer holds.
    pub expires_at: Option<UtcMs>,
    /// Oldest first.
    pub revocations: Vec<Revocation>,
    /// It is not charged for and not promoted.
    pub is_ordinary: bool,
}

/// Somebody has looked the licence up: it exists, and is of a film of this name, cut and length.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confirmation {
    pub by: OperatorId,
    pub at: UtcMs,
    pub film: LicensedFilm,
}

/// What a licence is bound to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LicensedFilm {
    /// As its card shows it.
    pub name: String,
    /// The cut: the assets never change.
    pub parts: Vec<AssetId>,
    pub runtime_ms: i64,
}

/// The regulator has taken the licence back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revocation {
    pub licence: Licence,
    pub at: UtcMs,
    pub reason: String,
}

/// Where a title stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ComplianceState {
    /// Not made in China.
    NotApplicable,
    /// Nobody has said where it was made.
    OriginUnknown,
    None,
    /// 规划备案
    Planned,
    /// 成片送审; also with a licence number that nobody has confirmed.
    InReview,
    /// 有效
    Licensed,
    /// 上线备案
    Filed,
    /// 普通
    Ordinary,
    /// 变更中
    ChangePending,
    /// 已失效
    Expired,
    /// 已撤销
    Revoked,
}

/// What can happen to a title besides the recording of its licence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ComplianceEvent {
    /// `at` is when it was filed; now, if not said.
    Plan {
        number: String,
        at: Option<UtcMs>,
    },
    Submit,
    Confirm {
        expires_at: Option<UtcMs>,
    },
    DeclareOrdinary,
    Revoke {
        reason: String,
    },
}

/// What an offer of a title asks of its compliance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charge {
    /// Paid for, or for members.
    Paid,
    Free,
}

impl LicensedFilm {
    /// The film as it is now.
    pub fn of(title: &Title) -> LicensedFilm {
        let (name, parts) = (card_name(&title.name).to_owned(), title.parts.clone());
        LicensedFilm { name, parts, runtime_ms: title.runtime_ms }
    }

    fn is(&self, title: &Title) -> bool {
        self.name == card_name(&title.name) && self.parts == title.parts && self.runtime_ms == title.runtime_ms
    }
}

impl ComplianceState {
    /// Whether a title in this state may be offered so.
    pub fn clears(self, charge: Charge) -> bool {
        match self {
            ComplianceState::NotApplicable | ComplianceState::Licensed | ComplianceState::Filed => true,
            ComplianceState::Ordinary => charge == Charge::Free,
            ComplianceState::OriginUnknown
            | ComplianceState::None
            | ComplianceState::Planned
            | ComplianceState::InReview
            | ComplianceState::ChangePending
            | ComplianceState::Expired
            | ComplianceState::Revoked => false,
        }
    }
}

impl ComplianceEvent {
    /// How it is called.
    pub fn as_str(&self) -> &'static str {
        match self {
            ComplianceEvent::Plan { .. } => "plan",
            ComplianceEvent::Submit => "submit",
            ComplianceEvent::Confirm { .. } => "confirm",
            ComplianceEvent::DeclareOrdinary => "declare_ordinary",
            ComplianceEvent::Revoke { .. } => "revoke",
        }
    }
}

impl TitleDetails {
    /// Refuses to call it made elsewhere once China has licensed it, or has taken a licence back: what was recorded there
    /// would hold it no more.
    pub fn require_origin(&self, country: Option<Territory>) -> Result<()> {
        let is_recorded = self.licence.is_some() || !self.compliance.revocations.is_empty();
        if !is_recorded || self.country != Some(Territory::CHINA) || country == self.country {
            return Ok(());
        }
        let message = "A release licence of China is recorded for this title: it was made there. Where that is wrong, take \
            the licence away first; one that was revoked stays on record.";
        Err(Error::new(ErrorKind::Conflict, "ORIGIN_RECORDED", message).with_param("country"))
    }
}

impl Title {
    /// Where the title stands in China.
    pub fn compliance_state(&self, now: UtcMs) -> ComplianceState {
        match self.details.country {
            None => return ComplianceState::OriginUnknown,
            Some(country) if country != Territory::CHINA => return ComplianceState::NotApplicable,
            Some(_) => {}
        }
        let compliance = &self.details.compliance;
        let licence = self.details.licence.as_ref();
        let mut revoked = compliance.revocations.iter().filter(|revocation| now >= revocation.at).peekable();
        let has_been_revoked = revoked.peek().is_some();
        let is_revoked = revoked.any(|revocation| Some(&revocation.licence) == licence);
        if is_revoked || (has_been_revoked && compliance.confirmation.is_none()) {
            return ComplianceState::Revoked;
        }
        let Some(licence) = licence else {
            return match compliance {
                Compliance { is_ordinary: true, .. } if !self.is_key(now) => ComplianceState::Ordinary,
                Compliance { submitted_at: Some(_), .. } => ComplianceState::InReview,
                Compliance { planning_number: Some(_), .. } => ComplianceState::Planned,
                _ => ComplianceState::None,
            };
        };
        let Some(confirmation) = &compliance.confirmation else { return ComplianceState::InReview };
        if compliance.expires_at.is_some_and(|expires_at| now >= expires_at) {
            return ComplianceState::Expired;
        }
        if !confirmation.film.is(self) {
            return ComplianceState::ChangePending;
        }
        if licence.kind == LicenceKind::OnlineFiling { ComplianceState::Filed } else { ComplianceState::Licensed }
    }

    /// Whether the regulator takes it for a key production, as far as its cost is known.
    pub fn is_key(&self, now: UtcMs) -> bool {
        self.details.scales.at(now).is_some_and(|(scale, _)| scale == Scale::Key)
    }

    /// What the title's compliance is after an event that `by` records at `now`.
    pub fn complied(&self, event: ComplianceEvent, by: OperatorId, now: UtcMs) -> Result<Compliance> {
        let state = self.compliance_state(now);
        let refuse = |todo: &str| {
            let message = format!("This does not go with where the title stands. {todo}");
            Err(Error::new(ErrorKind::Conflict, "COMPLIANCE_EVENT_REFUSED", message))
        };
        match state {
            ComplianceState::NotApplicable => return refuse("It was not made in China: set its country first."),
            ComplianceState::OriginUnknown => return refuse("Say where it was made first: set its country."),
            _ => {}
        }
        let compliance = self.details.compliance.clone();
        let licence = self.details.licence.as_ref();
        let is_revoked = compliance.revocations.iter().any(|revocation| Some(&revocation.licence) == licence);
        match event {
            ComplianceEvent::Plan { .. } | ComplianceEvent::Submit | ComplianceEvent::DeclareOrdinary
                if licence.is_some() =>
            {
                refuse("It has a licence: remove that first.")
            }
            ComplianceEvent::DeclareOrdinary if state == ComplianceState::Revoked => {
                refuse("Its licence was revoked: record another one.")
            }
            ComplianceEvent::DeclareOrdinary if self.is_key(now) => {
                let key_from = self.details.scales.at(now).map_or(0, |(_, row)| row.key_from.minor / 100);
                refuse(&format!(
                    "It cost ¥{key_from} or more, which makes it a key production: it needs a release licence also where \
                     it is free. Record its planning filing, or correct its production."
                ))
            }
            ComplianceEvent::Plan { number, at } => {
                check_text("FIELD_INVALID", "number", &number, limits::PLANNING_NUMBER_CHARS_MAX)?;
                let planned_at = at.unwrap_or(now);
                if planned_at > now {
                    let message = "A filing that is recorded lies in the past.";
                    return Err(Error::new(ErrorKind::Unprocessable, "FIELD_INVALID", message).with_param("at"));
                }
                let planned_at = Some(planned_at);
                Ok(Compliance { planning_number: Some(number), planned_at, is_ordinary: false, ..compliance })
            }
            ComplianceEvent::Submit if compliance.planning_number.is_none() => {
                refuse("Record its planning filing number first.")
            }
            ComplianceEvent::Submit if compliance.submitted_at.is_some() => refuse("It has been submitted."),
            ComplianceEvent::Submit => Ok(Compliance { submitted_at: Some(now), ..compliance }),
            ComplianceEvent::DeclareOrdinary => Ok(Compliance { is_ordinary: true, ..compliance }),
            ComplianceEvent::Confirm { .. } if licence.is_none() => refuse("Record the licence first."),
            ComplianceEvent::Confirm { .. } | ComplianceEvent::Revoke { .. } if is_revoked => {
                refuse("Its licence was revoked: record another one.")
            }
            ComplianceEvent::Confirm { .. } if self.parts.is_empty() => {
                refuse("A licence is bound to a cut: give the title its film first.")
            }
            ComplianceEvent::Confirm { expires_at } => {
                if expires_at.is_some_and(|expires_at| expires_at <= now) {
                    let message = "The licence must end in the future.";
                    return Err(
                        Error::new(ErrorKind::Unprocessable, "LICENCE_EXPIRED", message).with_param("expires_at")
                    );
                }
                let confirmation = Confirmation { by, at: now, film: LicensedFilm::of(self) };
                Ok(Compliance { confirmation: Some(confirmation), expires_at, ..compliance })
            }
            ComplianceEvent::Revoke { reason } => {
                check_text("REASON_INVALID", "reason", &reason, limits::REASON_CHARS_MAX)?;
                let Some(licence) = licence.cloned() else { return refuse("It has no licence.") };
                let mut revocations = compliance.revocations;
                revocations.push(Revocation { licence, at: now, reason });
                Ok(Compliance { revocations, ..compliance })
            }
        }
    }
}

impl Compliance {
    /// The same under another licence, or none: what was confirmed was the one before.
    pub fn under_another_licence(self) -> Compliance {
        Compliance { confirmation: None, expires_at: None, is_ordinary: false, ..self }
    }
}

fn check_text(code: &'static str, param: &str, text: &str, chars_max: usize) -> Result<()> {
    if text.trim().is_empty() || text.chars().count() > chars_max {
        let message = format!("It must have 1 to {chars_max} characters.");
        return Err(Error::new(ErrorKind::Unprocessable, code, message).with_param(param));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::id::TitleId;
    use crate::catalog::details::TitleDetails;
    use crate::catalog::title::TitleStatus;

    fn title() -> Title {
        Title {
            id: TitleId::new(UtcMs(1)),
            name: [("zh-CN".to_owned(), "纸鸢行动".to_owned()), ("en".to_owned(), "Paper Kite".to_owned())].into(),
            synopsis: [].into(),
            status: TitleStatus::Live,
            parts: vec![AssetId::new(UtcMs(1))],
            runtime_ms: 92 * 60_000,
            details: TitleDetails { country: Some(Territory::CHINA), ..TitleDetails::default() },
            created_at: UtcMs(1),
            version: 1,
        }
    }

    fn licence(number: &str) -> Licence {
        Licence {
            kind: LicenceKind::OnlineRelease, number: format!("（总局）网影审字（2022）第{number}号")
        }
    }

    /// Records an event; the state afterwards, or the code of the refusal.
    fn record(title: &mut Title, event: ComplianceEvent, now: i64) -> String {
        match title.complied(event, OperatorId::new(UtcMs(1)), UtcMs(now)) {
            Ok(compliance) => {
                title.details.compliance = compliance;
                serde_json::to_value(title.compliance_state(UtcMs(now))).unwrap().as_str().unwrap().to_owned()
            }
            Err(error) => error.code().to_owned(),
        }
    }

    fn set(title: &mut Title, licence: impl Into<Option<Licence>>) {
        title.details.licence = licence.into();
        title.details.compliance = title.details.compliance.clone().under_another_licence();
    }

    #[test]
    fn a_title_goes_from_planning_to_its_licence_and_loses_it_for_good() {
        use ComplianceEvent::{Confirm, DeclareOrdinary, Plan, Revoke, Submit};
        use ComplianceState::{Expired, Licensed, Revoked};

        let refused = "COMPLIANCE_EVENT_REFUSED";
        let confirm = |expires_at: Option<i64>| Confirm { expires_at: expires_at.map(UtcMs) };
        let revoke = || Revoke { reason: "an order".into() };
        let mut title = title();
        assert_eq!(title.compliance_state(UtcMs(1)), ComplianceState::None);
        assert_eq!(record(&mut title, Submit, 1), refused, "nothing is planned");
        assert_eq!(record(&mut title, confirm(None), 1), refused, "there is no licence");
        assert_eq!(record(&mut title, revoke(), 1), refused);
        assert_eq!(record(&mut title, DeclareOrdinary, 1), "ordinary");
        assert_eq!(record(&mut title, Plan { number: " ".into(), at: None }, 1), "FIELD_INVALID");
        assert_eq!(record(&mut title, Plan { number: "V31001572104501".into(), at: None }, 1), "planned");
        assert_eq!(record(&mut title, Submit, 2), "in_review");
        assert_eq!(record(&mut title, Submit, 3), refused);
        set(&mut title, licence("001"));
        assert_eq!(title.compliance_state(UtcMs(3)), ComplianceState::InReview, "a number is not a licence yet");
        for event in [Submit, DeclareOrdinary, Plan { number: "2".into(), at: None }] {
            assert_eq!(record(&mut title, event, 3), refused);
        }
        assert_eq!(record(&mut title, confirm(Some(3)), 3), "LICENCE_EXPIRED");
        assert_eq!(record(&mut title, confirm(Some(100)), 3), "licensed");
        let states = |title: &Title| [99, 100, 101].map(|now| title.compliance_state(UtcMs(now)));
        assert_eq!(states(&title), [Licensed, Expired, Expired]);
        assert_eq!(record(&mut title, confirm(None), 50), "licensed");
        assert_eq!(record(&mut title, revoke(), 100), "revoked");
        assert_eq!(states(&title), [Licensed, Revoked, Revoked]);
        assert_eq!(record(&mut title, confirm(None), 101), refused);
        assert_eq!(record(&mut title, revoke(), 101), refused);
        // Neither without a licence nor under one that nobody has confirmed, nor under the same once more.
        set(&mut title, None);
        assert_eq!(title.compliance_state(UtcMs(101)), Revoked);
        assert_eq!(record(&mut title, DeclareOrdinary, 101), refused);
        set(&mut title, licence("001"));
        assert_eq!(record(&mut title, confirm(None), 101), refused);
        set(&mut title, licence("002"));
        assert_eq!(title.compliance_state(UtcMs(101)), Revoked);
        assert_eq!(record(&mut title, confirm(None), 101), "licensed");
    }

    #[test]
    fn a_licence_is_bound_to_name_cut_and_length() {
        use ComplianceState::{ChangePending, Filed, Licensed, NotApplicable, OriginUnknown};

        let mut licensed = title();
        set(&mut licensed, licence("001"));
        assert_eq!(record(&mut licensed, ComplianceEvent::Confirm { expires_at: None }, 1), "licensed");
        let state = |change: fn(&mut Title)| {
            let mut title = licensed.clone();
            change(&mut title);
            title.compliance_state(UtcMs(2))
        };
        assert_eq!(state(|title| drop(title.name.insert("zh-CN".into(), "纸鸢".into()))), ChangePending);
        assert_eq!(state(|title| drop(title.name.insert("en".into(), "Kite".into()))), Licensed, "not the name on it");
        assert_eq!(state(|title| title.parts.push(AssetId::new(UtcMs(2)))), ChangePending);
        assert_eq!(state(|title| title.runtime_ms += 1), ChangePending);
        assert_eq!(state(|title| title.details.country = Some("DE".parse().unwrap())), NotApplicable);
        assert_eq!(state(|title| title.details.country = None), OriginUnknown);
        let filing = |title: &mut Title| title.details.licence.as_mut().unwrap().kind = LicenceKind::OnlineFiling;
        assert_eq!(state(filing), Filed);
        let mut unfinished = title();
        unfinished.parts.clear();
        set(&mut unfinished, licence("001"));
        let confirm = ComplianceEvent::Confirm { expires_at: None };
        assert_eq!(record(&mut unfinished, confirm, 1), "COMPLIANCE_EVENT_REFUSED");
    }
}
