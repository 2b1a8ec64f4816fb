//! A storefront: a brand that titles are sold under, with its hosts, languages, currency and territories. One catalogue
//! may have many; a request belongs to the one that names its `Host`, or to the default one.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::id::StorefrontId;
use crate::base::limits;
use crate::base::money::Currency;
use crate::base::territory::{Territory, TerritorySet};
use crate::catalog::title::LocalizedText;

/// A brand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Storefront {
    pub id: StorefrontId,
    /// A short name for programs.
    pub slug: String,
    pub name: LocalizedText,
    /// `host` (any port) or `host:port`, in lower case.
    pub hosts: Vec<String>,
    /// BCP 47 tags; the first is what a visitor sees who has not chosen.
    pub languages: Vec<String>,
    /// Only offers in this currency are sold here.
    pub currency: Currency,
    /// Only titles with an avail in one of these are listed here.
    pub territories: TerritorySet,
    /// Where an address is taken to be that no database and no proxy places.
    pub default_territory: Option<Territory>,
    /// The brand's colour, `#rrggbb`.
    pub accent: String,
    pub theme: Theme,
    pub tagline: LocalizedText,
    /// Serves every host that no other storefront names. Exactly one does.
    pub is_default: bool,
    /// Grows by one with each edit; the `ETag` of the operator API.
    pub version: i64,
}

/// What pages look like before a visitor chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    /// As the visitor's system has it.
    Auto,
    Light,
    Dark,
}

impl Theme {
    pub fn as_str(self) -> &'static str {
        match self {
            Theme::Auto => "auto",
            Theme::Light => "light",
            Theme::Dark => "dark",
        }
    }

    pub fn parse(text: &str) -> Option<Theme> {
        [Theme::Auto, Theme::Light, Theme::Dark].into_iter().find(|theme| theme.as_str() == text)
    }
}

impl Storefront {
    /// The one that every server begins with; `schema.sql` writes it.
    pub fn first() -> Storefront {
        let text = |text: &str| -> LocalizedText { ["en", "zh-CN"].map(|tag| (tag.into(), text.into())).into() };
        Storefront {
            id: StorefrontId::FIRST,
            slug: "marquee".into(),
            name: text("Marquee"),
            hosts: Vec::new(),
            languages: vec!["zh-CN".into(), "en".into()],
            currency: Currency::CNY,
            territories: TerritorySet::world(),
            default_territory: None,
            accent: "#a3201a".into(),
            theme: Theme::Auto,
            tagline: LocalizedText::new(),
            is_default: true,
            version: 1,
        }
    }

    /// Whether it sells to whoever is there; nobody knows who is where the territory is unknown.
    pub fn serves(&self, territory: Option<Territory>) -> bool {
        territory.is_some_and(|territory| self.territories.contains(territory))
    }

    /// Refuses what no operator can have meant.
    pub fn check(&self) -> Result<()> {
        let refuse = |param: &str, message: String| {
            Err(Error::new(ErrorKind::Unprocessable, "STOREFRONT_INVALID", message).with_param(param))
        };
        if !is_slug(&self.slug) {
            return refuse("slug", "A slug is 1 to 40 of a-z, 0-9 and -, and begins with a letter.".into());
        }
        let is_text = |text: &str, chars_max: usize| {
            !text.trim().is_empty() && text.chars().count() <= chars_max && is_line(text)
        };
        if self.name.is_empty() || !self.name.values().all(|name| is_text(name, limits::NAME_CHARS_MAX)) {
            return refuse("name", format!("A name has 1 to {} characters in each language.", limits::NAME_CHARS_MAX));
        }
        if !self.tagline.values().all(|text| is_text(text, limits::TAGLINE_CHARS_MAX)) {
            let message = format!("A tagline has 1 to {} characters in each language.", limits::TAGLINE_CHARS_MAX);
            return refuse("tagline", message);
        }
        if self.languages.is_empty() || self.languages.len() > limits::LANGUAGES_MAX {
            return refuse("languages", format!("Name 1 to {} languages.", limits::LANGUAGES_MAX));
        }
        let texts = self.name.keys().chain(self.tagline.keys()).chain(&self.languages);
        if let Some(wrong) = texts.into_iter().find(|tag| !is_language_tag(tag)) {
            return refuse("languages", format!("\"{wrong}\" is not a language tag such as zh-CN or en."));
        }
        if self.languages.iter().collect::<BTreeSet<_>>().len() < self.languages.len() {
            return refuse("languages", "A language is named twice.".into());
        }
        if self.hosts.len() > limits::STOREFRONT_HOSTS_MAX {
            return refuse("hosts", format!("A storefront has at most {} hosts.", limits::STOREFRONT_HOSTS_MAX));
        }
        if let Some(wrong) = self.hosts.iter().find(|host| !is_host(host)) {
            return refuse("hosts", format!("\"{wrong}\" is not a host in lower case such as films.example:8080."));
        }
        if self.hosts.iter().collect::<BTreeSet<_>>().len() < self.hosts.len() {
            return refuse("hosts", "A host is named twice.".into());
        }
        if !is_colour(&self.accent) {
            return refuse("accent", "An accent is a colour such as #a3201a, in lower case.".into());
        }
        Ok(())
    }
}

/// All storefronts, to be found by host.
#[derive(Clone, Debug)]
pub struct Storefronts {
    all: Vec<Arc<Storefront>>,
    by_host: HashMap<String, Arc<Storefront>>,
    default: Arc<Storefront>,
}

impl Default for Storefronts {
    fn default() -> Storefronts {
        Storefronts::new(vec![Storefront::first()])
    }
}

impl Storefronts {
    /// They keep the order they come in.
    pub fn new(storefronts: Vec<Storefront>) -> Storefronts {
        let all: Vec<Arc<Storefront>> = storefronts.into_iter().map(Arc::new).collect();
        let by_host = all
            .iter()
            .flat_map(|storefront| storefront.hosts.iter().map(move |host| (host.clone(), storefront.clone())))
            .collect();
        let default = all.iter().find(|storefront| storefront.is_default).cloned();
        Storefronts { all, by_host, default: default.unwrap_or_else(|| Arc::new(Storefront::first())) }
    }

    /// The storefront of a request by its `Host`: with the port if it is named so, else by the name alone.
    pub fn at(&self, host: &str) -> &Arc<Storefront> {
        if self.by_host.is_empty() {
            return &self.default;
        }
        let has_capitals = host.bytes().any(|byte| byte.is_ascii_uppercase());
        let host: Cow<'_, str> = if has_capitals { host.to_ascii_lowercase().into() } else { host.into() };
        let (name, _) = split_port(&host);
        let found = self.by_host.get(&*host).or_else(|| self.by_host.get(name));
        // `films.example.` is the same name, said in full.
        found.or_else(|| self.by_host.get(name.strip_suffix('.')?)).unwrap_or(&self.default)
    }

    pub fn by_id(&self, id: StorefrontId) -> Option<&Arc<Storefront>> {
        self.all.iter().find(|storefront| storefront.id == id)
    }

    pub fn all(&self) -> &[Arc<Storefront>] {
        &self.all
    }
}

/// A host's name and its port with the colon, which may be empty.
pub fn split_port(host: &str) -> (&str, &str) {
    match host.rfind(':') {
        Some(colon) if host[colon + 1..].bytes().all(|byte| byte.is_ascii_digit()) => host.split_at(colon),
        _ => (host, ""),
    }
}

fn is_slug(slug: &str) -> bool {
    slug.len() <= limits::STOREFRONT_SLUG_BYTES_MAX
        && slug.starts_with(|first: char| first.is_ascii_lowercase())
        && slug.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

fn is_line(text: &str) -> bool {
    !text.chars().any(char::is_control)
}

fn is_language_tag(tag: &str) -> bool {
    let mut subtags = tag.split('-');
    let is_subtag = |subtag: &str| (1..=8).contains(&subtag.len()) && subtag.bytes().all(|b| b.is_ascii_alphanumeric());
    subtags.next().is_some_and(|first| (2..=8).contains(&first.len()) && first.bytes().all(|b| b.is_ascii_lowercase()))
        && tag.len() <= 35
        && subtags.all(is_subtag)
}

fn is_host(host: &str) -> bool {
    let (name, port) = split_port(host);
    let is_port = port.is_empty() || port[1..].parse::<u16>().is_ok_and(|port| port > 0);
    let is_v6 = |inner: &str| inner.parse::<core::net::Ipv6Addr>().is_ok();
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let is_name = match name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(inner) => is_v6(inner) && !inner.bytes().any(|byte| byte.is_ascii_uppercase()),
        None => name.split('.').all(is_label),
    };
    host.len() <= limits::HOST_BYTES_MAX && is_port && is_name
}

fn is_colour(text: &str) -> bool {
    text.strip_prefix('#').is_some_and(|digits| {
        digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::UtcMs;

    fn storefront(slug: &str, hosts: &[&str]) -> Storefront {
        Storefront {
            id: StorefrontId::new(UtcMs(1)),
            slug: slug.into(),
            hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
            is_default: false,
            ..Storefront::first()
        }
    }

    #[test]
    fn a_host_finds_its_storefront_in_any_case_and_with_the_nearest_port() {
        let storefronts = Storefronts::new(vec![
            Storefront::first(),
            storefront("any", &["films.example", "[::1]"]),
            storefront("one", &["films.example:8443"]),
        ]);
        for (host, slug) in [
            ("films.example", "any"),
            ("films.example:8080", "any"),
            ("FILMS.Example:8080", "any"),
            ("films.example.", "any"),
            ("films.example:8443", "one"),
            ("Films.Example:8443", "one"),
            ("[::1]", "any"),
            ("[::1]:8080", "any"),
            ("www.films.example", "marquee"),
            ("films.example.evil", "marquee"),
            ("films.example:", "any"),
            ("", "marquee"),
            (":", "marquee"),
        ] {
            assert_eq!(storefronts.at(host).slug, slug, "{host}");
        }
    }

    #[test]
    fn without_a_default_the_first_of_all_serves() {
        assert_eq!(Storefronts::new(vec![]).at("films.example"), &Arc::new(Storefront::first()));
    }

    #[test]
    fn what_no_operator_can_have_meant_is_refused_with_its_field() {
        Storefront::first().check().unwrap();
        storefront("abroad-2", &["a.localhost", "films.example:8443", "127.0.0.1:80", "[::1]:80"]).check().unwrap();
        let refused = |change: fn(&mut Storefront)| {
            let mut storefront = storefront("abroad", &[]);
            change(&mut storefront);
            storefront.check().unwrap_err().param().unwrap().to_owned()
        };
        assert_eq!(refused(|it| it.slug = "Abroad".into()), "slug");
        assert_eq!(refused(|it| it.slug = "a".repeat(41)), "slug");
        assert_eq!(refused(|it| it.slug = String::new()), "slug");
        assert_eq!(refused(|it| it.name.clear()), "name");
        assert_eq!(refused(|it| drop(it.name.insert("en".into(), " ".into()))), "name");
        assert_eq!(refused(|it| drop(it.tagline.insert("en".into(), "x".repeat(201)))), "tagline");
        assert_eq!(refused(|it| it.languages.clear()), "languages");
        assert_eq!(refused(|it| it.languages.push("en".into())), "languages");
        assert_eq!(refused(|it| it.languages.push("EN".into())), "languages");
        assert_eq!(refused(|it| it.languages.push("e".into())), "languages");
        for host in
            ["Films.example", "films.example:0", "films.example:99999", "a b", "-a.b", "a..b", "[::g]", "", "a/b"]
        {
            let mut wrong = storefront("abroad", &[]);
            wrong.hosts = vec![host.into()];
            assert_eq!(wrong.check().unwrap_err().param(), Some("hosts"), "{host}");
        }
        assert_eq!(refused(|it| it.hosts = vec!["a".into(), "a".into()]), "hosts");
        assert_eq!(refused(|it| it.accent = "#A3201A".into()), "accent");
        assert_eq!(refused(|it| it.accent = "#a3201a;}".into()), "accent");
    }
}
