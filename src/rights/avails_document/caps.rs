//! What of a film a transaction lets be had: `AllowedLanguage`, `HoldbackLanguage` and `FormatProfile`.

use std::io;
use std::sync::Arc;

use quick_xml::events::BytesText;

use super::{Xml, invalid, text, unsupported};
use crate::base::error::Result;
use crate::base::xml::Element;
use crate::rights::caps::{Caps, FormatProfile};
use crate::rights::language_range::LanguageRange;
use crate::rights::language_terms::{LanguageMedium, LanguageTerms, LanguageUse};

const ALLOWED: &str = "AllowedLanguage";
const HELD_BACK: &str = "HoldbackLanguage";
const FORMAT: &str = "FormatProfile";
/// Any language. `*`, which sheets have, is no `xs:language`; it is read all the same.
const ANY: &str = "x-any";

pub fn read(transaction: &Element, path: &str) -> Result<Option<Arc<Caps>>> {
    let (allowed, held_back) = (read_list(transaction, ALLOWED, path)?, read_list(transaction, HELD_BACK, path)?);
    let (name, terms) = match (allowed.is_empty(), held_back.is_empty()) {
        (true, true) => (ALLOWED, None),
        (false, true) => (ALLOWED, Some(LanguageTerms::Allow(allowed))),
        (true, false) => (HELD_BACK, Some(LanguageTerms::HoldBack(held_back))),
        (false, false) => {
            let says = "A Transaction allows languages or holds them back: AllowedLanguage excludes HoldbackLanguage.";
            return Err(invalid(&format!("{path}/{HELD_BACK}"), says));
        }
    };
    let caps = Caps::of(terms, read_format(transaction, path)?);
    if let Some(caps) = &caps {
        caps.check().map_err(|error| invalid(&format!("{path}/{name}"), error.message()))?;
    }
    Ok(caps)
}

fn read_list(transaction: &Element, name: &str, path: &str) -> Result<Vec<LanguageUse>> {
    let read = |element: &Element| {
        let written = element.text();
        let language = LanguageRange::parse(if written == ANY { "*" } else { &written });
        let language = language.ok_or_else(|| {
            let says = format!("\"{written}\" is no language such as zh or zh-Hant.");
            invalid(&format!("{path}/{name}"), &says)
        })?;
        let medium = match element.attribute("asset") {
            None | Some("any") => Some(LanguageMedium::SubDub),
            Some(asset) => LanguageMedium::parse(asset),
        };
        let medium = medium
            .ok_or_else(|| unsupported(&format!("{path}/{name}/@asset"), "An asset is sub, dub or subdub here."))?;
        Ok(LanguageUse { language, medium })
    };
    transaction.children(&transaction.namespace, name).map(read).collect()
}

fn read_format(transaction: &Element, path: &str) -> Result<FormatProfile> {
    let said = transaction.child(&transaction.namespace, FORMAT).map(Element::text).unwrap_or_default();
    match said.as_str() {
        "SD" => Ok(FormatProfile::Sd),
        "HD" => Ok(FormatProfile::Hd),
        // Others than this schema's leave it out.
        "UHD" | "" => Ok(FormatProfile::Uhd),
        other => {
            let says = format!("\"{other}\" is not executed here: SD, HD and UHD are.");
            Err(unsupported(&format!("{path}/{FORMAT}"), &says))
        }
    }
}

/// In the order of the schema: first the languages.
pub fn write_languages(xml: &mut Xml, caps: Option<&Caps>) -> io::Result<()> {
    let Some(terms) = caps.and_then(|caps| caps.languages.as_ref()) else { return Ok(()) };
    let name = match terms {
        LanguageTerms::Allow(_) => ALLOWED,
        LanguageTerms::HoldBack(_) => HELD_BACK,
    };
    for LanguageUse { language, medium } in terms.list() {
        let element = xml.create_element(format!("avails:{name}"));
        let element = match medium {
            LanguageMedium::SubDub => element,
            medium => element.with_attribute(("asset", medium.as_str())),
        };
        let language = if language.is_any() { ANY.to_owned() } else { language.to_string() };
        element.write_text_content(BytesText::new(&language))?;
    }
    Ok(())
}

pub fn write_format(xml: &mut Xml, caps: Option<&Caps>) -> io::Result<()> {
    let format = caps.map_or(FormatProfile::Uhd, |caps| caps.format_profile);
    text(xml, "avails:FormatProfile", &format.as_str().to_uppercase())
}
