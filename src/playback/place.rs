//! Where a request comes from: its client's address, network and territory.
//!
//! The territory comes from the operator's .mmdb database by address, or from a country header that a configured proxy
//! has set, or is the default that the operator chose. Unknown matches no avail.

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

    /// `country_header` is what a configured proxy said; `None` from anybody else.
    pub fn find(&self, address: IpAddr, country_header: Option<&str>) -> Place {
        let territory = match country_header {
            Some(code) => code.parse().ok(),
            None => self.look_up(address),
        };
        Place { address, network: client_network(address), territory }
    }

    fn look_up(&self, address: IpAddr) -> Option<Territory> {
        let Some(database) = &self.database else { return self.default_territory };
        let found: Option<Country> = database.lookup(address).ok()?.decode().ok()?;
        let code = found.and_then(|found| found.country).and_then(|country| country.iso_code);
        code.map_or(self.default_territory, |code| code.parse().ok())
    }
}
