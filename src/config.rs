//! The configuration: one TOML file, and each of its keys also an environment variable (`MARQUEE_HTTP__PORT`). Flags win
//! over the environment, the environment over the file, the file over the defaults; an unknown key is an error.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::limits;
use crate::base::territory::Territory;
use crate::catalog::licence::{CardPolicy, LicenceKind};
use crate::catalog::thresholds::Thresholds;
use crate::config::drm::DrmConfig;
use crate::config::entitlement_hook::EntitlementHookConfig;
use crate::config::playback::PlaybackConfig;
use crate::config::sources::{Source, Sources};

pub mod drm;
pub mod entitlement_hook;
pub mod playback;
pub mod sources;

const ENV_PREFIX: &str = "MARQUEE_";
/// The file that is read when it is there and none is named.
pub const DEFAULT_FILE: &str = "marquee.toml";

/// Everything an operator can set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// `live` honours real purchases only; `test` sells through the sandbox.
    pub mode: Mode,
    /// The folder everything is kept in.
    pub data: PathBuf,
    pub http: Http,
    pub keys: Keys,
    pub database: DatabaseConfig,
    pub state: StateConfig,
    pub place: PlaceConfig,
    pub cache: CacheConfig,
    pub playback: PlaybackConfig,
    pub drm: DrmConfig,
    pub release_card: CardConfig,
    pub entitlement_hook: EntitlementHookConfig,
    pub compliance: ComplianceConfig,
    #[serde(skip)]
    pub sources: Sources,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    Live,
    Test,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Http {
    pub address: IpAddr,
    pub port: u16,
    pub https_port: u16,
    /// A certificate chain in PEM; without one a development certificate is made.
    pub certificate_file: Option<PathBuf>,
    pub private_key_file: Option<PathBuf>,
    pub trusted_proxies: Vec<IpNet>,
    pub connections_per_address: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Keys {
    /// The master key; by default `keys/master.key` in the data folder.
    pub master_key_file: Option<PathBuf>,
}

#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DatabaseConfig {
    /// `postgres://…`; without it the database is a file in the data folder.
    pub url: Option<String>,
    /// A file that holds the URL, where that has a password.
    pub url_file: Option<PathBuf>,
}

#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StateConfig {
    /// `redis://…`; without it the state is kept in this process.
    pub redis_url: Option<String>,
    /// A file that holds the URL, where that has a password.
    pub redis_url_file: Option<PathBuf>,
}

#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PlaceConfig {
    /// The territory of every address that is not known otherwise.
    pub default_territory: Option<Territory>,
    /// A country database in MaxMind's format.
    pub mmdb_file: Option<PathBuf>,
    /// A header such as `CF-IPCountry`, believed from trusted proxies only.
    pub country_header: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CacheConfig {
    pub segments_mib: u64,
}

/// Who sees a release card, and before which films.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CardConfig {
    pub territories: Vec<Territory>,
    pub licences: Vec<LicenceKind>,
    /// A font with Chinese characters, or a collection of fonts.
    pub font_file: PathBuf,
}

/// What the regulator of China asks.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ComplianceConfig {
    /// A table of thresholds to use instead of the one that the program comes with.
    pub thresholds: Option<PathBuf>,
}

impl ComplianceConfig {
    pub fn table(&self) -> Result<Thresholds> {
        match &self.thresholds {
            Some(path) => Thresholds::parse(&read(path)?),
            None => Thresholds::shipped(),
        }
    }
}

impl Default for Config {
    fn default() -> Config {
        Config {
            mode: Mode::Live,
            data: PathBuf::from("marquee-data"),
            http: Http::default(),
            keys: Keys::default(),
            database: DatabaseConfig::default(),
            state: StateConfig::default(),
            place: PlaceConfig::default(),
            cache: CacheConfig::default(),
            playback: PlaybackConfig::default(),
            drm: DrmConfig::default(),
            release_card: CardConfig::default(),
            entitlement_hook: EntitlementHookConfig::default(),
            compliance: ComplianceConfig::default(),
            sources: Sources::default(),
        }
    }
}

impl Default for Http {
    fn default() -> Http {
        Http {
            address: IpAddr::from([127, 0, 0, 1]),
            port: 8080,
            https_port: 8443,
            certificate_file: None,
            private_key_file: None,
            trusted_proxies: Vec::new(),
            connections_per_address: limits::CONNECTIONS_PER_ADDRESS_MAX,
        }
    }
}

impl Default for CacheConfig {
    fn default() -> CacheConfig {
        CacheConfig { segments_mib: limits::SEGMENT_CACHE_BYTES / (1024 * 1024) }
    }
}

impl Default for CardConfig {
    fn default() -> CardConfig {
        // What has been in cinemas has the licence in its own head.
        CardConfig {
            territories: vec![Territory::CHINA],
            licences: vec![LicenceKind::OnlineRelease, LicenceKind::OnlineFiling],
            font_file: PathBuf::from("/usr/share/fonts/opentype/noto/NotoSansCJK-Bold.ttc"),
        }
    }
}

impl CardConfig {
    pub fn policy(&self) -> CardPolicy {
        CardPolicy { territories: self.territories.clone(), licences: self.licences.clone() }
    }
}

impl Config {
    /// Defaults, the file (the named one, or `marquee.toml` if it is there) and the environment.
    pub fn load(file: Option<&Path>, environment: impl Iterator<Item = (String, String)>) -> Result<Config> {
        let text = match file {
            Some(path) => Some((path, read(path)?)),
            None if Path::new(DEFAULT_FILE).exists() => Some((Path::new(DEFAULT_FILE), read(Path::new(DEFAULT_FILE))?)),
            None => None,
        };
        let mut table = match &text {
            Some((path, text)) => {
                // Read into the typed form first: its errors point at the line.
                toml::from_str::<Config>(text).map_err(|error| invalid(&path.display().to_string(), &error))?;
                text.parse::<toml::Table>().map_err(|error| invalid(&path.display().to_string(), &error))?
            }
            None => toml::Table::new(),
        };
        let mut sources = Sources::of_file(&table);
        for (name, value) in environment {
            if let Some(key) = name.strip_prefix(ENV_PREFIX)
                && !key.starts_with("TEST_")
            {
                set(&mut table, &name, key, &value)?;
                sources.set(&key.to_lowercase().replace("__", "."), Source::Environment);
            }
        }
        let config: Config = table.try_into().map_err(|error| invalid("the environment", &error))?;
        Ok(Config { sources, ..config })
    }

    /// `redis_url`, from its file where it has one.
    pub fn redis_url(&self) -> Result<Option<String>> {
        said_or_in_file("state.redis_url", self.state.redis_url.as_deref(), self.state.redis_url_file.as_deref())
    }

    /// `database.url`, from its file where it has one.
    pub fn database_url(&self) -> Result<Option<String>> {
        said_or_in_file("database.url", self.database.url.as_deref(), self.database.url_file.as_deref())
    }

    pub fn master_key_file(&self) -> PathBuf {
        self.keys.master_key_file.clone().unwrap_or_else(|| self.data.join("keys/master.key"))
    }

    pub fn is_live(&self) -> bool {
        self.mode == Mode::Live
    }
}

/// Sets `A__B` of the environment at `a.b`. A value that reads as TOML is that; anything else is a string.
fn set(table: &mut toml::Table, name: &str, key: &str, text: &str) -> Result<()> {
    let path: Vec<String> = key.split("__").map(str::to_lowercase).collect();
    let (last, parents) = path.split_last().ok_or_else(|| config_error("An empty variable name."))?;
    let mut place = table;
    for parent in parents {
        let entry = place.entry(parent.clone()).or_insert_with(|| toml::Value::Table(toml::Table::new()));
        place = entry.as_table_mut().ok_or_else(|| config_error(&format!("{name}: {parent} is not a section.")))?;
    }
    let mut value = format!("value = {text}")
        .parse::<toml::Table>()
        .ok()
        .and_then(|mut parsed| parsed.remove("value"))
        .unwrap_or_else(|| toml::Value::String(text.to_owned()));
    let mut probe = toml::Table::new();
    nest(&mut probe, &path, value.clone());
    if probe.clone().try_into::<Config>().is_err() {
        let string = toml::Value::String(text.to_owned());
        let mut retry = toml::Table::new();
        nest(&mut retry, &path, string.clone());
        retry.try_into::<Config>().map_err(|error| invalid(&format!("the variable {name}"), &error))?;
        value = string;
    }
    place.insert(last.clone(), value);
    Ok(())
}

fn nest(table: &mut toml::Table, path: &[String], value: toml::Value) {
    match path {
        [] => {}
        [last] => {
            table.insert(last.clone(), value);
        }
        [first, rest @ ..] => {
            let mut inner = toml::Table::new();
            nest(&mut inner, rest, value);
            table.insert(first.clone(), toml::Value::Table(inner));
        }
    }
}

fn said_or_in_file(key: &str, said: Option<&str>, file: Option<&Path>) -> Result<Option<String>> {
    match (said, file) {
        (Some(_), Some(_)) => Err(config_error(&format!("Set {key} or {key}_file, not both."))),
        (Some(said), None) => Ok(Some(said.to_owned())),
        (None, Some(path)) => Ok(Some(read(path)?.trim().to_owned())),
        (None, None) => Ok(None),
    }
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(|error| {
        Error::new(
            ErrorKind::Config,
            "CONFIG_UNREADABLE",
            format!("The file {} cannot be read: {error}.", path.display()),
        )
    })
}

fn invalid(place: &str, error: &toml::de::Error) -> Error {
    Error::new(ErrorKind::Config, "CONFIG_INVALID", format!("In {place}: {}", error.to_string().trim()))
}

fn config_error(message: &str) -> Error {
    Error::new(ErrorKind::Config, "CONFIG_INVALID", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(file: &str, environment: &[(&str, &str)]) -> Result<Config> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.toml");
        std::fs::write(&path, file).unwrap();
        Config::load(Some(&path), environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
    }

    #[test]
    fn the_shipped_file_is_the_defaults_and_names_every_key() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/marquee.toml");
        let shipped = Config::load(Some(&path), std::iter::empty()).unwrap();
        assert_eq!(shipped.sources.of("http.port"), Source::File);
        assert_eq!(Config { sources: Sources::default(), ..shipped }, Config::default());
        let text = std::fs::read_to_string(&path).unwrap();
        // Optional keys stand there commented out.
        let all = text.lines().map(|line| line.strip_prefix("#: ").unwrap_or(line)).collect::<Vec<_>>().join("\n");
        let full: toml::Table = all.parse().unwrap();
        let parsed: Config = full.clone().try_into().unwrap();
        assert_eq!(toml::Table::try_from(&parsed).unwrap().keys().collect::<Vec<_>>(), full.keys().collect::<Vec<_>>());
        for (name, section) in toml::Table::try_from(&parsed).unwrap() {
            if let toml::Value::Table(section) = section {
                let written = full[&name].as_table().unwrap();
                assert_eq!(section.keys().collect::<Vec<_>>(), written.keys().collect::<Vec<_>>(), "[{name}]");
            }
        }
    }

    #[test]
    fn the_environment_wins_over_the_file() {
        let config = load("[http]\nport = 1\n", &[("MARQUEE_HTTP__PORT", "2"), ("MARQUEE_DATA", "/srv/x")]).unwrap();
        assert_eq!((config.http.port, config.data), (2, PathBuf::from("/srv/x")));
        let config = load("", &[("MARQUEE_PLACE__DEFAULT_TERRITORY", "CN"), ("HOME", "/x")]).unwrap();
        assert_eq!(config.place.default_territory, Some("CN".parse().unwrap()));
        let config = load("", &[("MARQUEE_HTTP__TRUSTED_PROXIES", "[\"10.0.0.0/8\"]")]).unwrap();
        assert_eq!(config.http.trusted_proxies.len(), 1);
    }

    #[test]
    fn an_unknown_key_is_an_error_that_names_its_place() {
        let error = load("[http]\nport = 1\nprot = 2\n", &[]).unwrap_err();
        assert_eq!(error.code(), "CONFIG_INVALID");
        assert!(error.message().contains("line 3") && error.message().contains("prot"), "{}", error.message());
        let error = load("", &[("MARQUEE_HTTP__PROT", "2")]).unwrap_err();
        assert!(error.message().contains("MARQUEE_HTTP__PROT"), "{}", error.message());
        assert!(load("", &[("MARQUEE_HTTP__PORT", "eighty")]).is_err());
        assert_eq!(
            Config::load(Some(Path::new("/nowhere.toml")), std::iter::empty()).unwrap_err().code(),
            "CONFIG_UNREADABLE"
        );
    }

    #[test]
    fn every_value_says_where_it_comes_from() {
        let config =
            load("mode = \"test\"\n[http]\nport = 1\nhttps_port = 2\n", &[("MARQUEE_HTTP__PORT", "3")]).unwrap();
        let rows = config.rows();
        let row = |wanted: &str| rows.iter().find(|(key, ..)| key == wanted).unwrap();
        assert_eq!(row("http.port"), &("http.port".into(), 3.into(), Source::Environment));
        assert_eq!(row("http.https_port"), &("http.https_port".into(), 2.into(), Source::File));
        assert_eq!(row("mode"), &("mode".into(), "test".into(), Source::File));
        assert_eq!(row("cache.segments_mib").2, Source::Default);
        assert_eq!(row("state.redis_url"), &("state.redis_url".into(), serde_json::Value::Null, Source::Default));
    }
}
