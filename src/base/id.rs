//! Typed, prefixed, sortable ids: `ttl_01jd…`, a prefix and a lowercase Crockford base32 UUIDv7. They sort by the
//! instant they were made at, and a title's id is never taken for a grant's.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::{NoContext, Timestamp, Uuid};

use crate::base::clock::UtcMs;
use crate::base::error::{Error, ErrorKind};

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// 128 bits in groups of five.
const BODY_LEN: usize = 26;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u128);

        impl $name {
            pub const PREFIX: &'static str = $prefix;

            /// A new id that sorts at `now`; two made in the same millisecond differ at random.
            pub fn new(now: UtcMs) -> Self {
                $name(uuid_v7(now))
            }

            pub fn from_bytes(bytes: [u8; 16]) -> Self {
                $name(u128::from_be_bytes(bytes))
            }

            /// The 128 bits behind the prefix, as a UUID has them.
            pub fn to_bytes(self) -> [u8; 16] {
                self.0.to_be_bytes()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}_{}", $prefix, std::str::from_utf8(&encode(self.0)).unwrap_or_default())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self, Error> {
                text.strip_prefix($prefix)
                    .and_then(|rest| rest.strip_prefix('_'))
                    .and_then(decode)
                    .map($name)
                    .ok_or_else(|| Error::new(ErrorKind::Invalid, "ID_INVALID", concat!("An id of the form ", $prefix, "_… was expected.")))
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}

ids! {
    /// A work: what a viewer knows by name.
    TitleId = "ttl";
    /// Seasons that belong together.
    SeriesId = "ser";
    /// Titles that are shown together.
    CollectionId = "col";
    /// A packaged edit; immutable once complete.
    AssetId = "ast";
    /// A picture that was uploaded for a title; another picture is another poster.
    PosterId = "pst";
    /// A right to offer a title: where, when, under which licence type.
    AvailId = "avl";
    /// Somebody else who shows films, and has contracts with us.
    PartyId = "par";
    /// What another party may do with a title.
    DealId = "dea";
    /// A file that another party was sent.
    DeliveryId = "dlv";
    /// A viewer of another party's, as we tell theirs apart.
    PartyViewerId = "pvw";
    /// A promise that something does not begin before something else.
    HoldbackId = "hld";
    /// What can be bought.
    OfferId = "off";
    /// The act of buying.
    PurchaseId = "pur";
    /// The act of giving money back.
    RefundId = "ref";
    /// What a purchase gave.
    GrantId = "gra";
    /// An episode that a viewer had for coins or for watching advertising.
    UnlockId = "unl";
    /// A named viewer's invitation to a title.
    ScreenerId = "scr";
    /// Coins that came together.
    CoinLotId = "lot";
    /// A plan that memberships are of.
    PlanId = "pln";
    /// What is sold besides the offers of a title.
    ProductId = "prd";
    /// A coupon.
    CouponId = "cpn";
    /// A viewer's subscription to a plan.
    MembershipId = "mem";
    /// Who watches.
    ViewerId = "vwr";
    /// Who runs this server.
    OperatorId = "opr";
    /// An API token's record; the secret itself is never stored.
    ApiTokenId = "tok";
    /// One viewing.
    SessionId = "ses";
    /// An entry of the ledger.
    EntryId = "ent";
    /// A file on its way in.
    UploadId = "upl";
    /// A piece of work that outlives its request.
    JobId = "job";
    /// A payment as the provider knows it.
    PaymentId = "pay";
    /// One request, for the log and the problem body.
    RequestId = "req";
    /// A content or signing key's public name.
    KeyId = "key";
    /// One line of the audit log.
    AuditId = "aud";
    /// A brand that titles are sold under.
    StorefrontId = "sfr";
    /// One voucher; its code is never stored.
    VoucherId = "vch";
    /// Vouchers that were made together.
    VoucherBatchId = "vba";
    /// Time in which viewers could not watch what they had.
    OutageId = "out";
}

impl StorefrontId {
    /// The storefront that every server begins with.
    pub const FIRST: StorefrontId = StorefrontId(0);
}

fn uuid_v7(now: UtcMs) -> u128 {
    let millis = now.0.max(0) as u64;
    let timestamp = Timestamp::from_unix(NoContext, millis / 1000, (millis % 1000) as u32 * 1_000_000);
    Uuid::new_v7(timestamp).as_u128()
}

fn encode(value: u128) -> [u8; BODY_LEN] {
    let mut text = [0; BODY_LEN];
    for (place, character) in text.iter_mut().enumerate() {
        let shift = 5 * (BODY_LEN - 1 - place);
        *character = ALPHABET[(value >> shift) as usize & 31];
    }
    text
}

/// The number, if `body` is the one canonical text of it: lower case, full length, no overflow.
fn decode(body: &str) -> Option<u128> {
    if body.len() != BODY_LEN {
        return None;
    }
    let mut value: u128 = 0;
    for (place, byte) in body.bytes().enumerate() {
        let digit = ALPHABET.iter().position(|&letter| letter == byte)? as u128;
        if place == 0 && digit > 7 {
            return None;
        }
        value = value << 5 | digit;
    }
    Some(value)
}

impl JobId {
    /// The job that makes this asset, if one does.
    pub fn of_asset(asset: AssetId) -> JobId {
        JobId(asset.0)
    }
}

impl AssetId {
    /// The asset that this job makes, in every attempt the same: what a killed attempt has stored is found by the next.
    pub fn of_job(job: JobId) -> AssetId {
        AssetId(job.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ids_sort_by_the_instant_they_were_made_at() {
        let early = TitleId::new(UtcMs(1_700_000_000_000));
        let late = TitleId::new(UtcMs(1_700_000_000_001));
        assert!(early < late);
        assert!(early.to_string() < late.to_string());
    }

    #[test]
    fn an_id_of_another_kind_is_refused() {
        let title = TitleId::new(UtcMs(0)).to_string();
        assert_eq!(title.parse::<GrantId>().unwrap_err().code(), "ID_INVALID");
        assert!(title.to_uppercase().parse::<TitleId>().is_err());
        assert!("ttl_80000000000000000000000000".parse::<TitleId>().is_err());
    }

    proptest! {
        #[test]
        fn text_and_number_are_one_to_one(value: u128) {
            prop_assert_eq!(decode(std::str::from_utf8(&encode(value)).unwrap()), Some(value));
        }
    }
}
