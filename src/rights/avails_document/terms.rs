//! The terms of a transaction: what MovieLabs names so, and the zone, for which it has no name.
//!
//! ```text
//! FixedEndDate          Event     the hard end
//! SuppressionLiftDate   Event     when the title may be announced; written only
//! SRP                   Money     the price of an offer on sale; written only, and after it
//! RentalDuration        Duration  how long that may be watched from the purchase on, or may be started in
//! WatchDuration         Duration  how long that may be watched once it was started
//! marquee:zone          Text      the zone of the window
//! ```

use std::io;

use quick_xml::events::BytesText;

use super::{Note, Xml, local, text};
use crate::base::xml::Element;
use crate::rights::avail::Avail;
use crate::rights::grant::GrantClock;
use crate::rights::snapshot::TitleRights;

pub const ZONE: &str = "marquee:zone";
pub const HARD_END: &str = "FixedEndDate";
const ANNOUNCEMENT: &str = "SuppressionLiftDate";
const PRICE: &str = "SRP";
const RENTAL: &str = "RentalDuration";
const WATCH: &str = "WatchDuration";

pub fn write(xml: &mut Xml, rights: &TitleRights, avail: &Avail) -> io::Result<()> {
    let zone = &avail.window.zone;
    let event = |at| move |xml: &mut Xml| text(xml, "avails:Event", &local(at, zone));
    if let Some(hard_end_at) = avail.hard_end_at {
        write_term(xml, HARD_END, event(hard_end_at))?;
    }
    if let Some(announced_at) = rights.title.details.announced_at {
        write_term(xml, ANNOUNCEMENT, event(announced_at))?;
    }
    for offer in rights.offers_of(avail.id).filter(|offer| offer.withdrawn_at.is_none()) {
        write_term(xml, PRICE, |xml| {
            let currency = offer.list_price.currency.code();
            let element = xml.create_element("avails:Money").with_attribute(("currency", currency));
            element.write_text_content(BytesText::new(&offer.list_price.to_decimal())).map(drop)
        })?;
        write_periods(xml, offer.clock)?;
    }
    write_term(xml, ZONE, |xml| text(xml, "avails:Text", zone))
}

/// How long what is bought may be watched. Early access ends with what members get, and what is bought for good does not.
fn write_periods(xml: &mut Xml, clock: GrantClock) -> io::Result<()> {
    let period = |ms| move |xml: &mut Xml| text(xml, "avails:Duration", &duration(ms));
    match clock {
        GrantClock::OnPurchase { watch_ms } => write_term(xml, RENTAL, period(watch_ms)),
        GrantClock::OnFirstPlay { start_within_ms, watch_ms } => {
            write_term(xml, RENTAL, period(start_within_ms))?;
            write_term(xml, WATCH, period(watch_ms))
        }
        GrantClock::UntilMembers { .. } | GrantClock::Forever => Ok(()),
    }
}

/// As `xs:duration` has it: in hours, where those are whole.
fn duration(ms: i64) -> String {
    const HOUR_MS: i64 = 3_600_000;
    if ms % HOUR_MS == 0 { format!("PT{}H", ms / HOUR_MS) } else { format!("PT{}S", ms / 1000) }
}

fn write_term(xml: &mut Xml, name: &str, value: impl FnOnce(&mut Xml) -> io::Result<()>) -> io::Result<()> {
    xml.create_element("avails:Term").with_attribute(("termName", name)).write_inner_content(value).map(drop)
}

/// What of a term is not taken over.
pub fn note(term: &Element, at: &str) -> Option<Note> {
    let name = term.attribute("termName").unwrap_or_default();
    let says = match name {
        ZONE | HARD_END => return None,
        ANNOUNCEMENT => "Announcements are not taken over: say at the title when it is announced.".to_owned(),
        PRICE => "Prices are not taken over: make offers.".to_owned(),
        RENTAL | WATCH => "Rental periods are not taken over: make offers.".to_owned(),
        _ => format!("{name} is not kept."),
    };
    Some(Note { path: format!("{at}[{name}]"), says })
}
