//! Where a request comes from: its client's address, network and territory.
//!
//! The territory comes from the operator's .mmdb database by address, or from a country header that a configured proxy
//! has set. An address that these do not place is where the storefront that was asked says, else where the server's
//! default says. Unknown matches no avail.

use std::net::IpAddr;
use std::path::Path;

use ipnet::IpNet;
use serde::Deserialize;

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::territory::Territory;
use crate::http::peer::client_network;

/// Where one request comes from.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    pub address: IpAddr,
    pub network: IpNet,
    pub territory: Option<Territory>,
}

/// Finds places.
pub struct Places {
    database: Option<maxminddb::Reader<Vec<u8>>>,
    default_territory: Option<Territory>,
}

#[derive(Deserialize)]
struct Country {
    country: Option<IsoCode>,
}

#[derive(Deserialize)]
struct IsoCode {
    iso_code: Option<String>,
}

impl Places {
    /// Reads the operator's database into memory, if one is configured.
    pub fn open(database: Option<&Path>, default_territory: Option<Territory>) -> Result<Places> {
        let database = database
            .map(|path| {
                maxminddb::Reader::open_readfile(path).map_err(|error| {
                    Error::new(
                        ErrorKind::Config,
                        "GEO_DATABASE_INVALID",
                        format!("The geo database {} cannot be read.", path.display()),
                    )
                    .with_source(error)
                })
            })
            .transpose()?;
        Ok(Places { database, default_territory })
    }

    /// `country_header` is what a configured proxy said; `None` from anybody else. `storefronts_default` is asked only
    /// about an address that nothing places.
    pub fn find(
        &self,
        address: IpAddr,
        country_header: Option<&str>,
        storefronts_default: impl FnOnce() -> Option<Territory>,
    ) -> Place {
        let unplaced = || storefronts_default().or(self.default_territory);
        let territory = match country_header {
            Some(code) => code.parse().ok(),
            None => self.look_up(address, unplaced),
        };
        Place { address, network: client_network(address), territory }
    }

    fn look_up(&self, address: IpAddr, unplaced: impl FnOnce() -> Option<Territory>) -> Option<Territory> {
        let Some(database) = &self.database else { return unplaced() };
        let found: Option<Country> = database.lookup(address).ok()?.decode().ok()?;
        match found.and_then(|found| found.country).and_then(|country| country.iso_code) {
            Some(code) => code.parse().ok(),
            None => unplaced(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_storefront_places_only_what_nothing_else_places() {
        let territory = |code: &str| -> Option<Territory> { Some(code.parse().unwrap()) };
        let places = |default| Places { database: None, default_territory: default };
        let here: IpAddr = "203.0.113.7".parse().unwrap();
        let find = |places: &Places, header, storefront| places.find(here, header, || storefront).territory;
        assert_eq!(find(&places(territory("CN")), None, territory("US")), territory("US"));
        assert_eq!(find(&places(territory("CN")), None, None), territory("CN"));
        assert_eq!(find(&places(None), None, None), None);
        assert_eq!(find(&places(territory("CN")), Some("DE"), territory("US")), territory("DE"));
        assert_eq!(find(&places(territory("CN")), Some("XX"), territory("US")), None, "a proxy that does not know");
    }
}
