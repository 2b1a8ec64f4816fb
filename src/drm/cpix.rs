//! CPIX 2.4 documents (DASH-IF) in the profile of SPEKE v2.1: the request for the keys of one asset, and what its answer
//! gives.
//!
//! ```text
//! CPIX contentId version="2.4"
//! ├─ ContentKeyList           ContentKey kid explicitIV commonEncryptionScheme="cbcs"
//! │                           └─ Data/pskc:Secret/pskc:PlainValue               (in the answer)
//! ├─ DRMSystemList            DRMSystem kid systemId: PSSH, HLSSignalingData    (empty in the request)
//! └─ ContentKeyUsageRuleList  ContentKeyUsageRule kid intendedTrackType: VideoFilter or AudioFilter
//! ```
//!
//! We choose the key ids, so that a request that is sent again asks for the same keys, and an answer with another id is
//! refused. Only `HLSSignalingData` of media playlists is asked for: an `EXT-X-SESSION-KEY` would have players fetch a
//! licence, and so start a rental's clock, before anybody pressed Play. Keys come in the clear inside TLS; keys that are
//! encrypted for a document key are refused, and signatures are not read.

use std::io::{self, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use quick_xml::events::{BytesDecl, Event};
use quick_xml::writer::Writer;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::base::drm_system::DrmSystem;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::id::KeyId;
use crate::base::xml::Element;
use crate::drm::contract::TrackType;
use crate::hls::key_tag::KeyTag;
use crate::media::protect::{ContentKey, Iv, Protection};

pub const VERSION: &str = "2.4";
const CPIX: &str = "urn:dashif:org:cpix";
const PSKC: &str = "urn:ietf:params:xml:ns:keyprov:pskc";
const SCHEME: &str = "cbcs";

/// What a key server is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRequest {
    /// Names the asset to the key server, and through it to the licence server.
    pub content_id: String,
    /// At least one, each of another track type.
    pub keys: Vec<RequestedKey>,
    pub systems: Vec<DrmSystem>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestedKey {
    pub id: KeyId,
    pub track_type: TrackType,
    /// Holds unless the answer has another one.
    pub iv: Iv,
}

/// A key as it was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuedKey {
    pub id: KeyId,
    pub track_type: TrackType,
    pub protection: Protection,
    /// One for each system of the request, in its order.
    pub signals: Vec<DrmSignal>,
}

/// What a track says to one DRM system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrmSignal {
    pub system: DrmSystem,
    /// A whole `pssh` box for the init segment; FairPlay has none.
    pub pssh: Option<Vec<u8>>,
    pub key_tag: KeyTag,
}

impl KeyRequest {
    /// The document that asks.
    pub fn to_xml(&self) -> Result<Vec<u8>> {
        let mut writer = Writer::new(Vec::new());
        self.write(&mut writer).map_err(|error| Error::internal("writing a CPIX document").with_source(error))?;
        Ok(writer.into_inner())
    }

    fn write<W: Write>(&self, writer: &mut Writer<W>) -> io::Result<()> {
        writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
        let root =
            [("contentId", self.content_id.as_str()), ("version", VERSION), ("xmlns:cpix", CPIX), ("xmlns:pskc", PSKC)];
        writer.create_element("cpix:CPIX").with_attributes(root).write_inner_content(|writer| {
            writer.create_element("cpix:ContentKeyList").write_inner_content(|writer| {
                self.keys.iter().try_for_each(|key| {
                    let iv = BASE64.encode(key.iv.expose());
                    let kid = kid(key.id);
                    let attributes =
                        [("kid", kid.as_str()), ("explicitIV", iv.as_str()), ("commonEncryptionScheme", SCHEME)];
                    writer.create_element("cpix:ContentKey").with_attributes(attributes).write_empty().map(drop)
                })
            })?;
            writer.create_element("cpix:DRMSystemList").write_inner_content(|writer| {
                let pairs = self.keys.iter().flat_map(|key| self.systems.iter().map(move |system| (key, *system)));
                pairs.into_iter().try_for_each(|(key, system)| write_system(writer, key.id, system))
            })?;
            writer
                .create_element("cpix:ContentKeyUsageRuleList")
                .write_inner_content(|writer| self.keys.iter().try_for_each(|key| write_rule(writer, key)))?;
            Ok(())
        })?;
        Ok(())
    }

    /// Reads the answer to this request.
    pub fn read_answer(&self, document: &str) -> Result<Vec<IssuedKey>> {
        let root =
            Element::parse(document).map_err(|error| invalid(&format!("{} at byte {}", error.reason, error.offset)))?;
        if (root.namespace.as_str(), root.name.as_str()) != (CPIX, "CPIX") {
            return Err(invalid("its root is not a CPIX element"));
        }
        if root.attribute("version") != Some(VERSION) {
            return Err(wrong_version("CPIX", VERSION, root.attribute("version")));
        }
        if root.attribute("contentId") != Some(&self.content_id) {
            return Err(invalid("it is for another contentId"));
        }
        self.refuse_strangers(&root)?;
        self.keys.iter().map(|key| self.read_key(&root, key)).collect()
    }

    /// A key that was not asked for, or a rule that gives a key to other tracks than was asked, is a mistake that would
    /// be found by viewers otherwise.
    fn refuse_strangers(&self, root: &Element) -> Result<()> {
        for element in list(root, "ContentKeyList", "ContentKey").chain(list(root, "DRMSystemList", "DRMSystem")) {
            if !self.keys.iter().any(|key| is_for(element, key.id)) {
                return Err(unknown_key(element));
            }
        }
        for rule in list(root, "ContentKeyUsageRuleList", "ContentKeyUsageRule") {
            let key = self.keys.iter().find(|key| is_for(rule, key.id)).ok_or_else(|| unknown_key(rule))?;
            if rule.attribute("intendedTrackType") != Some(key.track_type.as_str()) {
                return Err(invalid(&format!("the usage rule of key {} is not the one of the request", kid(key.id))));
            }
        }
        Ok(())
    }

    fn read_key(&self, root: &Element, asked: &RequestedKey) -> Result<IssuedKey> {
        let kid = kid(asked.id);
        let element = only(list(root, "ContentKeyList", "ContentKey"), asked.id, |_| true)
            .map_err(|()| invalid(&format!("it has key {kid} twice")))?
            .ok_or_else(|| missing(&format!("The key server's answer lacks key {kid}.")))?;
        if element.attribute("commonEncryptionScheme").is_some_and(|scheme| scheme != SCHEME) {
            return Err(invalid(&format!("key {kid} is not for {SCHEME}")));
        }
        let secret = element.child(CPIX, "Data").and_then(|data| data.child(PSKC, "Secret"));
        let secret = secret.ok_or_else(|| missing(&format!("The key server's answer has no value for key {kid}.")))?;
        if secret.child(PSKC, "EncryptedValue").is_some() {
            return Err(Error::new(
                ErrorKind::Unavailable,
                "KEY_SERVER_KEY_ENCRYPTED",
                "The key server encrypts its keys for a document key, which is not handled. Have it send them in the \
                 clear: the connection is TLS.",
            ));
        }
        let value = secret.child(PSKC, "PlainValue");
        let value = value.ok_or_else(|| missing(&format!("The key server's answer has no value for key {kid}.")))?;
        let sixteen = |text: &str, what: &str| {
            let bytes = BASE64.decode(text).ok().and_then(|bytes| <[u8; 16]>::try_from(bytes).ok());
            bytes.ok_or_else(|| invalid(&format!("the {what} of key {kid} is not 16 bytes in base64")))
        };
        let key = ContentKey::from_bytes(sixteen(&value.text(), "value")?);
        let iv = element.attribute("explicitIV").map(|text| sixteen(text, "explicitIV")).transpose()?;
        let iv = iv.map_or(asked.iv, Iv::from_bytes);
        let signals = self.systems.iter().map(|system| read_signal(root, asked.id, *system)).collect::<Result<_>>()?;
        Ok(IssuedKey { id: asked.id, track_type: asked.track_type, protection: Protection { key, iv }, signals })
    }
}

/// An answer of another version than was asked for.
pub(super) fn wrong_version(of: &str, ours: &str, theirs: Option<&str>) -> Error {
    // What a stranger wrote is repeated only where it is a number.
    let is_number = |text: &&str| text.len() < 8 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let theirs = theirs.filter(is_number).unwrap_or("none");
    Error::new(
        ErrorKind::Unavailable,
        "KEY_SERVER_WRONG_VERSION",
        format!(
            "The key server answered with {of} version {theirs} where {ours} was asked for. Give its address of SPEKE v2.1."
        ),
    )
}

pub(super) fn invalid(reason: &str) -> Error {
    Error::new(
        ErrorKind::Unavailable,
        "KEY_SERVER_ANSWER_INVALID",
        format!("The key server's answer cannot be used: {reason}. Ask whoever runs it."),
    )
}

fn missing(message: &str) -> Error {
    Error::new(ErrorKind::Unavailable, "KEY_SERVER_KEY_MISSING", format!("{message} Ask whoever runs it."))
}

fn unknown_key(element: &Element) -> Error {
    let id = element.attribute("kid").and_then(|kid| Uuid::parse_str(kid).ok());
    let id = id.map_or_else(|| "without an id".to_owned(), |id| id.to_string());
    Error::new(
        ErrorKind::Unavailable,
        "KEY_SERVER_KEY_UNKNOWN",
        format!(
            "The key server's answer speaks of a key that was not asked for, {id}. It must keep the ids it is given."
        ),
    )
}

/// A key id as CPIX has it.
fn kid(id: KeyId) -> String {
    Uuid::from_bytes(id.to_bytes()).to_string()
}

fn write_system<W: Write>(writer: &mut Writer<W>, key: KeyId, system: DrmSystem) -> io::Result<()> {
    let kid = kid(key);
    let attributes = [("kid", kid.as_str()), ("systemId", system.system_id())];
    writer.create_element("cpix:DRMSystem").with_attributes(attributes).write_inner_content(|writer| {
        if system.has_pssh() {
            writer.create_element("cpix:PSSH").write_empty()?;
        }
        writer.create_element("cpix:HLSSignalingData").with_attribute(("playlist", "media")).write_empty().map(drop)
    })?;
    Ok(())
}

fn write_rule<W: Write>(writer: &mut Writer<W>, key: &RequestedKey) -> io::Result<()> {
    let kid = kid(key.id);
    let attributes = [("kid", kid.as_str()), ("intendedTrackType", key.track_type.as_str())];
    writer.create_element("cpix:ContentKeyUsageRule").with_attributes(attributes).write_inner_content(|writer| {
        let Some((min, max)) = key.track_type.pixels() else {
            return writer.create_element("cpix:AudioFilter").write_empty().map(drop);
        };
        let bounds = [("minPixels", min), ("maxPixels", max)];
        let bounds: Vec<(&str, String)> =
            bounds.into_iter().filter_map(|(name, bound)| Some((name, bound?.to_string()))).collect();
        let bounds = bounds.iter().map(|(name, bound)| (*name, bound.as_str()));
        writer.create_element("cpix:VideoFilter").with_attributes(bounds).write_empty().map(drop)
    })?;
    Ok(())
}

fn list<'a>(root: &'a Element, list: &'a str, item: &'a str) -> impl Iterator<Item = &'a Element> {
    root.children(CPIX, list).flat_map(move |list| list.children(CPIX, item))
}

fn is_for(element: &Element, key: KeyId) -> bool {
    let kid = element.attribute("kid").and_then(|kid| Uuid::parse_str(kid).ok());
    kid.is_some_and(|kid| kid.into_bytes() == key.to_bytes())
}

/// The one element that is for `key` and is `wanted`; `Err` where there are two.
fn only<'a>(
    elements: impl Iterator<Item = &'a Element>,
    key: KeyId,
    wanted: impl Fn(&Element) -> bool,
) -> Result<Option<&'a Element>, ()> {
    let mut found = elements.filter(|element| is_for(element, key) && wanted(element));
    let first = found.next();
    if found.next().is_some() { Err(()) } else { Ok(first) }
}

fn read_signal(root: &Element, key: KeyId, system: DrmSystem) -> Result<DrmSignal> {
    let kid = kid(key);
    let of_system =
        |element: &Element| element.attribute("systemId").is_some_and(|id| id.eq_ignore_ascii_case(system.system_id()));
    let absent = |what: &str| {
        Error::new(
            ErrorKind::Unavailable,
            "KEY_SERVER_SIGNAL_MISSING",
            format!(
                "The key server's answer has no {what} of {system} for key {kid}. Enable {system} there.",
                system = system.as_str()
            ),
        )
    };
    let element = only(list(root, "DRMSystemList", "DRMSystem"), key, of_system)
        .map_err(|()| invalid(&format!("it has {} twice for key {kid}", system.as_str())))?
        .ok_or_else(|| absent("DRMSystem"))?;
    let pssh = if system.has_pssh() {
        let text = element.child(CPIX, "PSSH").map(Element::text).filter(|text| !text.is_empty());
        let bytes = BASE64.decode(text.ok_or_else(|| absent("PSSH"))?).unwrap_or_default();
        if !is_pssh(&bytes, system) {
            return Err(invalid(&format!(
                "the PSSH of {} for key {kid} is no pssh box of that system",
                system.as_str()
            )));
        }
        Some(bytes)
    } else {
        None
    };
    // Without the attribute it is for media playlists (CPIX, HLSSignalingData).
    let signalling = element
        .children(CPIX, "HLSSignalingData")
        .find(|data| data.attribute("playlist").unwrap_or("media") == "media" && !data.text().is_empty());
    let signalling = signalling.ok_or_else(|| absent("HLSSignalingData"))?;
    let text = BASE64.decode(signalling.text()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let text =
        text.ok_or_else(|| invalid(&format!("the HLSSignalingData of {} is no text in base64", system.as_str())))?;
    let key_tag = KeyTag::parse(&text, system)
        .map_err(|reason| invalid(&format!("of the HLSSignalingData of {}, {reason}", system.as_str())))?;
    Ok(DrmSignal { system, pssh, key_tag })
}

/// One whole box: size, `pssh`, version and flags, and the id of the system (ISO/IEC 23001-7, 8.1).
fn is_pssh(bytes: &[u8], system: DrmSystem) -> bool {
    let size = u32::try_from(bytes.len()).unwrap_or_default().to_be_bytes();
    let id = Uuid::parse_str(system.system_id()).map(Uuid::into_bytes).unwrap_or_default();
    bytes.len() >= 32 && bytes[..4] == size && &bytes[4..8] == b"pssh" && bytes[12..28] == id
}

#[cfg(test)]
mod tests;
