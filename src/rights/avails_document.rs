//! A release plan as a MovieLabs Avails document (v2.7, XML): what partners and distributors exchange. Written, it holds all
//! of a title's windows; read, it says what is wanted of which title's windows, and what of it is not kept here.
//!
//! ```text
//! AvailList
//! └─ Avail               ALID, Disposition/EntryType, Licensor, AvailType, ShortDescription
//!    ├─ Asset            contentID; Metadata: names, year, length
//!    └─ Transaction      TransactionID, LicenseType, Territory…, Start, End or EndCondition, AllowedLanguage… or
//!                        HoldbackLanguage…, LicenseRightsDescription, FormatProfile, Term…
//! ```
//!
//! A window's IANA zone has no place in the schema and goes into a term of our own, `marquee:zone`; who writes none is taken
//! at the offset, or at the local time of the territories.

use std::io;

use jiff::civil;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use quick_xml::events::{BytesDecl, BytesText, Event};
use quick_xml::writer::Writer;

use crate::base::clock::UtcMs;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::id::{AvailId, TitleId};
use crate::base::limits;
use crate::base::territory::{Territories, Territory, TerritorySet};
use crate::base::territory_zone::zone_of;
use crate::base::xml::Element;
use crate::catalog::title::Title;
use crate::rights::avail::{Avail, LicenseType};
use crate::rights::plan::WantedAvail;
use crate::rights::snapshot::TitleRights;
use crate::rights::window::Window;

mod caps;
mod terms;

const AVAILS: &str = "http://www.movielabs.com/schema/avails/v2.7/avails";
const METADATA: &str = "http://www.movielabs.com/schema/md/v2.12/md";
const METADATA_MEC: &str = "http://www.movielabs.com/schema/mdmec/v2.12";
/// What is read: this version, and those before it that name the same things so.
const AVAILS_ANY: &str = "http://www.movielabs.com/schema/avails/v2.";
const METADATA_ANY: &str = "http://www.movielabs.com/schema/md/v2.";
/// Our ids in MovieLabs' form, up to the id itself.
const ALID: &str = "md:alid:org:marquee:";
const CONTENT_ID: &str = "md:cid:org:marquee:";

/// What a document asks for one title.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Where it stands: `Avail[1]`.
    pub path: String,
    /// As the document names it.
    pub alid: String,
    /// Where the document names it by our own id.
    pub title_id: Option<TitleId>,
    pub kind: EntryKind,
    pub wanted: Vec<WantedAvail>,
    pub notes: Vec<Note>,
}

/// `EntryType`: what is to be done with the windows of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// These, and no others.
    FullExtract,
    /// None.
    FullDelete,
    /// These as well.
    Create,
    /// These as they are here, by their `TransactionID`.
    Update,
    /// Not these, by their `TransactionID`.
    Delete,
}

/// Something that was read and is not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    pub path: String,
    /// One sentence for a person.
    pub says: String,
}

impl EntryKind {
    fn parse(text: &str) -> Option<EntryKind> {
        Some(match text {
            "Full Extract" => EntryKind::FullExtract,
            "Full Delete" => EntryKind::FullDelete,
            "Create" => EntryKind::Create,
            "Update" => EntryKind::Update,
            "Delete" => EntryKind::Delete,
            _ => return None,
        })
    }
}

/// What a document asks for, entry by entry.
pub fn read(document: &str) -> Result<Vec<Asked>> {
    let root = Element::parse(document).map_err(|error| {
        invalid("", &format!("It is no XML document that is read here: {} at byte {}.", error.reason, error.offset))
    })?;
    let is_ours = root.namespace.starts_with(AVAILS_ANY) && root.namespace.ends_with("/avails");
    let windows_max = limits::AVAILS_PER_CHANGE_MAX;
    let entries: Vec<&Element> = match root.name.as_str() {
        "AvailList" if is_ours => root.children(&root.namespace, "Avail").collect(),
        "Avail" if is_ours => vec![&root],
        _ => return Err(invalid("", &format!("Its root is no AvailList of {AVAILS}."))),
    };
    if entries.is_empty() {
        return Err(invalid("", "It has no Avail."));
    }
    let transactions = |entry: &&Element| entry.children(&entry.namespace, "Transaction").count();
    if entries.iter().map(transactions).sum::<usize>() > windows_max {
        return Err(invalid("", &format!("It has more than {windows_max} Transactions; send it in parts.")));
    }
    entries.into_iter().enumerate().map(|(n, entry)| read_entry(entry, &format!("Avail[{}]", n + 1))).collect()
}

fn read_entry(entry: &Element, path: &str) -> Result<Asked> {
    let namespace = &entry.namespace;
    let alid = text_of(entry, "ALID").ok_or_else(|| missing(path, "ALID"))?;
    let said = entry.child(namespace, "Disposition").and_then(|disposition| text_of(disposition, "EntryType"));
    let said = said.ok_or_else(|| missing(path, "Disposition/EntryType"))?;
    let kind = EntryKind::parse(&said).ok_or_else(|| {
        let kinds = "Full Extract, Full Delete, Create, Update or Delete";
        invalid(&format!("{path}/Disposition/EntryType"), &format!("\"{said}\" is none of {kinds}."))
    })?;
    let of_content = entry.children(namespace, "Asset").filter_map(|asset| asset.attribute("contentID"));
    let mut named = std::iter::once(alid.as_str()).chain(of_content).filter_map(title_in);
    let title_id = named.next();
    if named.any(|other| Some(other) != title_id) {
        return Err(invalid(&format!("{path}/ALID"), "ALID and contentID name different titles."));
    }
    let avail_type = text_of(entry, "AvailType").unwrap_or_default();
    if avail_type != "single" {
        let says = format!("\"{avail_type}\" is not executed here; single is.");
        return Err(unsupported(&format!("{path}/AvailType"), &says));
    }
    let mut notes = Vec::new();
    let transactions = entry.children(namespace, "Transaction").enumerate();
    let wanted = transactions
        .map(|(n, transaction)| {
            read_transaction(transaction, &format!("{path}/Transaction[{}]", n + 1), kind, &mut notes)
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(Asked { path: path.to_owned(), alid, title_id, kind, wanted, notes })
}

/// Our own id at the end of one of MovieLabs'.
fn title_in(id: &str) -> Option<TitleId> {
    id.rsplit(':').next()?.parse().ok()
}

fn read_transaction(transaction: &Element, path: &str, kind: EntryKind, notes: &mut Vec<Note>) -> Result<WantedAvail> {
    let at = |name: &str| format!("{path}/{name}");
    let said = text_of(transaction, "LicenseType").ok_or_else(|| missing(path, "LicenseType"))?;
    let license_type = match said.as_str() {
        "VOD" | "TVOD" => LicenseType::Vod,
        "EST" => LicenseType::Est,
        "SVOD" => LicenseType::Svod,
        "AVOD" | "FVOD" => LicenseType::Avod,
        _ => {
            return Err(unsupported(
                &at("LicenseType"),
                &format!("\"{said}\" is not executed here: VOD, EST, SVOD and AVOD are."),
            ));
        }
    };
    let territories = TerritorySet {
        include: read_territories(transaction, "Territory", path)?,
        exclude: read_territories(transaction, "TerritoryExcluded", path)?,
    };
    if territories.members().is_empty() {
        return Err(invalid(&at("TerritoryExcluded"), "No territory is left."));
    }
    let zone = term(transaction, terms::ZONE, "Text", path)?;
    let clock = Clock { territories, zone: zone.as_deref() };
    let start = text_of(transaction, "Start").ok_or_else(|| {
        let says = "Start is missing; a StartCondition is not executed here.";
        unsupported(&at("Start"), says)
    })?;
    let is_zone_guessed = zone.is_none();
    let (start_at, zone) = clock.instant(&start, &at("Start"))?;
    let end_at = match (text_of(transaction, "End"), text_of(transaction, "EndCondition").as_deref()) {
        (Some(end), _) => Some(clock.instant(&end, &at("End"))?.0),
        (None, Some("Open")) => None,
        (None, Some(other)) => {
            return Err(unsupported(&at("EndCondition"), &format!("\"{other}\" is not executed here; Open is.")));
        }
        (None, None) => return Err(missing(path, "End or EndCondition")),
    };
    let hard_end = term(transaction, terms::HARD_END, "Event", path)?;
    let hard_end_at =
        hard_end.map(|end| Ok::<_, Error>(clock.instant(&end, &at("Term[FixedEndDate]"))?.0)).transpose()?;
    let description = text_of(transaction, "LicenseRightsDescription").or_else(|| text_of(transaction, "Description"));
    let caps = caps::read(transaction, path)?;
    look_for_what_is_not_kept(transaction, path, notes)?;
    let id = transaction.attribute("TransactionID").and_then(|id| id.parse::<AvailId>().ok());
    if id.is_none() && matches!(kind, EntryKind::Update | EntryKind::Delete) {
        return Err(invalid(&at("@TransactionID"), "An update or a deletion names one of our windows by its id."));
    }
    let window = Window { start_at, end_at, zone };
    let wanted = WantedAvail { id, license_type, description, territories, window, is_zone_guessed, hard_end_at, caps };
    // What is refused of any window is refused here, where it stands.
    let sample = wanted.clone().with_id(AvailId::new(start_at), TitleId::new(start_at));
    sample.check().map_err(|error| invalid(path, error.message()))?;
    Ok(wanted)
}

fn read_territories(transaction: &Element, name: &str, path: &str) -> Result<Territories> {
    let mut territories = Territories::default();
    for (n, region) in transaction.children(&transaction.namespace, name).enumerate() {
        let path = format!("{path}/{name}[{}]", n + 1);
        let mut countries = region.elements().filter(|child| child.namespace.starts_with(METADATA_ANY));
        let country = countries.next().ok_or_else(|| missing(&path, "md:country"))?;
        if countries.next().is_some() {
            return Err(invalid(&path, "It names one md:country."));
        }
        if country.name != "country" {
            return Err(unsupported(&path, "Parts of countries are not told apart here; name a md:country."));
        }
        let territory: Territory = country.text().parse().map_err(|error: Error| invalid(&path, error.message()))?;
        territories.insert(territory);
    }
    Ok(territories)
}

/// How an instant is meant that may have no offset.
struct Clock<'a> {
    territories: TerritorySet,
    zone: Option<&'a str>,
}

impl Clock<'_> {
    /// The instant and the zone it is declared in.
    fn instant(&self, text: &str, path: &str) -> Result<(UtcMs, String)> {
        let wrong = || invalid(path, &format!("\"{text}\" is no instant such as 2027-04-02T00:00:00+02:00."));
        if let Some(zone) = self.zone
            && TimeZone::get(zone).is_err()
        {
            return Err(invalid(path, &format!("\"{zone}\" is not an IANA time zone such as Asia/Shanghai.")));
        }
        if let Ok(timestamp) = text.parse::<Timestamp>() {
            let at = UtcMs(timestamp.as_millisecond());
            return Ok((at, self.zone.map_or_else(|| self.zone_at(text, timestamp), str::to_owned)));
        }
        let local: civil::DateTime = text.parse().map_err(|_| wrong())?;
        let of_zone = |zone: &str| -> Option<UtcMs> {
            let zoned = local.to_zoned(TimeZone::get(zone).ok()?).ok()?;
            Some(UtcMs(zoned.timestamp().as_millisecond()))
        };
        if let Some(zone) = self.zone {
            return Ok((of_zone(zone).ok_or_else(wrong)?, zone.to_owned()));
        }
        let zones = self.zones();
        let first = zones.first().copied().unwrap_or("UTC");
        let at = of_zone(first).ok_or_else(wrong)?;
        if zones.iter().all(|zone| of_zone(zone) == Some(at)) {
            return Ok((at, first.to_owned()));
        }
        let says = "It has no offset, and it is another instant in each of the territories: give it an offset, or make a \
                    Transaction for each zone.";
        Err(invalid(path, says))
    }

    /// Those of its territories, each once.
    fn zones(&self) -> Vec<&'static str> {
        let mut zones: Vec<&str> = Vec::new();
        for territory in self.territories.members().iter() {
            let zone = zone_of(territory);
            if !zones.contains(&zone) {
                zones.push(zone);
            }
        }
        zones
    }

    /// The zone of a territory whose clock shows what is written, or else UTC.
    fn zone_at(&self, text: &str, timestamp: Timestamp) -> String {
        let is_so = |zone: &&str| {
            TimeZone::get(zone).is_ok_and(|zone| {
                let local = Zoned::new(timestamp, zone).datetime().to_string();
                text.starts_with(&local)
            })
        };
        self.zones().into_iter().find(is_so).unwrap_or("UTC").to_owned()
    }
}

/// Refuses what would let more be done than is allowed, and notes what is only lost.
fn look_for_what_is_not_kept(transaction: &Element, path: &str, notes: &mut Vec<Note>) -> Result<()> {
    let mut note = |note: Note| {
        if !notes.iter().any(|known| known.path == note.path) {
            notes.push(note);
        }
    };
    for child in transaction.elements() {
        let at = format!("{path}/{}", child.name);
        match child.name.as_str() {
            "WindowDuration" => return Err(unsupported(&at, "A window ends at an instant here; give it an End.")),
            "Term" => terms::note(child, &at).into_iter().for_each(&mut note),
            "LicenseType"
            | "Description"
            | "Territory"
            | "TerritoryExcluded"
            | "Start"
            | "End"
            | "EndCondition"
            | "LicenseRightsDescription"
            | "FormatProfile"
            | "AllowedLanguage"
            | "HoldbackLanguage" => {}
            other => note(Note { path: at, says: format!("{other} is not kept.") }),
        }
    }
    Ok(())
}

fn text_of(element: &Element, name: &str) -> Option<String> {
    let text = element.child(&element.namespace, name)?.text();
    (!text.is_empty()).then_some(text)
}

/// The value of a term that may be there once.
fn term(transaction: &Element, name: &str, value: &str, path: &str) -> Result<Option<String>> {
    let terms = transaction.children(&transaction.namespace, "Term");
    let mut terms = terms.filter(|term| term.attribute("termName") == Some(name));
    let Some(term) = terms.next() else { return Ok(None) };
    let path = format!("{path}/Term[{name}]");
    if terms.next().is_some() {
        return Err(invalid(&path, "It stands there more than once."));
    }
    text_of(term, value).map(Some).ok_or_else(|| missing(&path, value))
}

fn invalid(path: &str, says: &str) -> Error {
    refused("AVAILS_INVALID", path, says)
}

fn missing(path: &str, what: &str) -> Error {
    invalid(path, &format!("{what} is missing."))
}

fn unsupported(path: &str, says: &str) -> Error {
    refused("AVAILS_UNSUPPORTED", path, says)
}

fn refused(code: &'static str, path: &str, says: &str) -> Error {
    let message = if path.is_empty() { says.to_owned() } else { format!("{path}: {says}") };
    Error::new(ErrorKind::Unprocessable, code, message).with_param(path)
}

/// All windows of a title as a `Full Extract`; `licensor` is who grants them.
pub fn write(title: &TitleRights, licensor: &str, issued_at: UtcMs) -> Result<String> {
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    write_list(&mut writer, title, licensor, issued_at)
        .map_err(|error| Error::internal("writing an Avails document").with_source(error))?;
    String::from_utf8(writer.into_inner()).map_err(|error| Error::internal("an Avails document").with_source(error))
}

type Xml = Writer<Vec<u8>>;

fn write_list(xml: &mut Xml, title: &TitleRights, licensor: &str, issued_at: UtcMs) -> io::Result<()> {
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let namespaces = [("xmlns:avails", AVAILS), ("xmlns:md", METADATA), ("xmlns:mdmec", METADATA_MEC)];
    xml.create_element("avails:AvailList").with_attributes(namespaces).write_inner_content(|xml| {
        xml.create_element("avails:Avail").write_inner_content(|xml| write_entry(xml, title, licensor, issued_at))?;
        Ok(())
    })?;
    Ok(())
}

fn write_entry(xml: &mut Xml, rights: &TitleRights, licensor: &str, issued_at: UtcMs) -> io::Result<()> {
    let TitleRights { title, avails, .. } = rights;
    let name = internal_name(title);
    text(xml, "avails:ALID", &format!("{ALID}{}", title.id))?;
    xml.create_element("avails:Disposition").write_inner_content(|xml| {
        text(xml, "avails:EntryType", if avails.is_empty() { "Full Delete" } else { "Full Extract" })?;
        text(xml, "avails:IssueDate", &issued_at.to_string())
    })?;
    let grants = |xml: &mut Xml| text(xml, "md:DisplayName", licensor);
    xml.create_element("avails:Licensor").write_inner_content(grants)?;
    text(xml, "avails:AvailType", "single")?;
    text(xml, "avails:ShortDescription", name)?;
    let content_id = format!("{CONTENT_ID}{}", title.id);
    xml.create_element("avails:Asset").with_attribute(("contentID", content_id.as_str())).write_inner_content(
        |xml| {
            text(xml, "avails:WorkType", "Movie")?;
            xml.create_element("avails:Metadata").write_inner_content(|xml| write_metadata(xml, title))?;
            Ok(())
        },
    )?;
    let mut avails: Vec<&Avail> = avails.iter().collect();
    avails.sort_by_key(|avail| (avail.window.start_at, avail.id));
    avails.into_iter().try_for_each(|avail| write_transaction(xml, rights, avail))
}

fn write_metadata(xml: &mut Xml, title: &Title) -> io::Result<()> {
    for (language, name) in &title.name {
        let element =
            xml.create_element("avails:TitleDisplayUnlimited").with_attribute(("language", language.as_str()));
        element.write_text_content(BytesText::new(&writable(name)))?;
    }
    text(xml, "avails:TitleInternalAlias", internal_name(title))?;
    if let Some(year) = title.details.year {
        text(xml, "avails:ReleaseDate", &year.to_string())?;
    }
    if title.runtime_ms > 0 {
        text(xml, "avails:RunLength", &format!("PT{}S", title.runtime_ms / 1000))?;
    }
    Ok(())
}

fn write_transaction(xml: &mut Xml, rights: &TitleRights, avail: &Avail) -> io::Result<()> {
    let id = avail.id.to_string();
    let element = xml.create_element("avails:Transaction").with_attribute(("TransactionID", id.as_str()));
    element.write_inner_content(|xml| {
        let license_type = match avail.license_type {
            LicenseType::Vod => "VOD",
            LicenseType::Est => "EST",
            LicenseType::Svod => "SVOD",
            LicenseType::Avod => "AVOD",
        };
        text(xml, "avails:LicenseType", license_type)?;
        let (include, exclude) = (&avail.territories.include, &avail.territories.exclude);
        for (name, territories) in [("avails:Territory", include), ("avails:TerritoryExcluded", exclude)] {
            for territory in territories.iter() {
                let country = |xml: &mut Xml| text(xml, "md:country", territory.code());
                xml.create_element(name).write_inner_content(country)?;
            }
        }
        let Window { start_at, end_at, zone } = &avail.window;
        text(xml, "avails:Start", &local(*start_at, zone))?;
        match end_at {
            Some(end_at) => text(xml, "avails:End", &local(*end_at, zone))?,
            None => text(xml, "avails:EndCondition", "Open")?,
        }
        caps::write_languages(xml, avail.caps.as_deref())?;
        if let Some(description) = &avail.description {
            text(xml, "avails:LicenseRightsDescription", description)?;
        }
        caps::write_format(xml, avail.caps.as_deref())?;
        terms::write(xml, rights, avail)
    })?;
    Ok(())
}

fn text(xml: &mut Xml, name: &str, value: &str) -> io::Result<()> {
    xml.create_element(name).write_text_content(BytesText::new(&writable(value))).map(drop)
}

/// Without what XML has no way to write.
fn writable(text: &str) -> String {
    let is_character = |letter: &char| !letter.is_control() && !matches!(letter, '\u{fffe}' | '\u{ffff}');
    text.chars().filter(is_character).collect()
}

/// What people call it who know it by one name.
fn internal_name(title: &Title) -> &str {
    title.name.get("en").or_else(|| title.name.values().next()).map_or("", String::as_str)
}

/// As the clocks of the zone show it, with their offset; of a time when offsets had seconds, in UTC.
fn local(at: UtcMs, zone: &str) -> String {
    let zoned = Timestamp::from_millisecond(at.0)
        .ok()
        .zip(TimeZone::get(zone).ok())
        .map(|(timestamp, zone)| Zoned::new(timestamp, zone))
        .filter(|zoned| zoned.offset().seconds() % 60 == 0);
    let fraction = if at.0.rem_euclid(1000) == 0 { "" } else { "%.3f" };
    zoned.map_or_else(|| at.to_string(), |zoned| zoned.strftime(&format!("%Y-%m-%dT%H:%M:%S{fraction}%:z")).to_string())
}

#[cfg(test)]
mod tests;
