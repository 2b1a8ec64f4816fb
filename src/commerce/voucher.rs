//! Vouchers: making a batch of codes, and redeeming one.
//!
//! A code is 100 bits as 20 characters of Crockford's base32, `XXXXX-XXXXX-XXXXX-XXXXX`, derived from its batch under a
//! key of this server, so that a repeated request for a batch shows the same codes and none of them is stored. What is
//! stored is a code's HMAC under another key. Both keys come from the master key: without it no code is worth anything.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::hmac;

use crate::base::clock::Clock;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::id::{PurchaseId, ViewerId, VoucherBatchId, VoucherId};
use crate::base::limits;
use crate::base::territory::Territory;
use crate::commerce::checkout::new_grant;
use crate::commerce::rates::Rates;
use crate::http::peer::client_network;
use crate::playback::follower::Follower;
use crate::playback::sessions::Sessions;
use crate::playback::vault::Vault;
use crate::rights::denial::Denial;
use crate::rights::grant::{Grant, GrantCause};
use crate::rights::offer::Offer;
use crate::rights::sale::quote;
use crate::rights::voucher::VoucherBatch;
use crate::store::db::voucher::{NewVoucher, Redemption, Voucher};
use crate::store::db::{Db, Idempotency, Written};
use crate::store::state::{Rate, State};

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const CODE_CHARS: usize = 20;
const GROUP_CHARS: usize = 5;
const MINUTE: Duration = Duration::from_secs(60);
const LOOKS_PER_REDEMPTION_MAX: usize = 3;

/// Makes and redeems vouchers.
pub struct Vouchers {
    db: Arc<dyn Db>,
    clock: Clock,
    follower: Arc<Follower>,
    sessions: Arc<Sessions>,
    rates: Rates,
    making: hmac::Key,
    hashing: hmac::Key,
    livemode: bool,
}

/// Who redeems what, from where.
#[derive(Clone, Copy, Debug)]
pub struct Redeemer {
    pub viewer_id: ViewerId,
    pub territory: Option<Territory>,
}

/// Why a code gives nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RedeemRefusal {
    /// No code of this server's.
    Unknown,
    /// Somebody else has redeemed it.
    Used,
    /// Its time is over, or it was taken back.
    Expired,
    /// The viewer is paying for the title.
    PurchasePending(PurchaseId),
    /// The title is not given here and now, or is the viewer's already.
    Denied(Denial),
}

impl Vouchers {
    pub fn new(
        db: Arc<dyn Db>,
        state: Arc<dyn State>,
        clock: Clock,
        follower: Arc<Follower>,
        sessions: Arc<Sessions>,
        vault: &Vault,
        livemode: bool,
    ) -> Result<Vouchers> {
        let rates = Rates::new(state, clock.clone());
        let (making, hashing) = (vault.derive("voucher codes")?, vault.derive("voucher hashes")?);
        Ok(Vouchers { db, clock, follower, sessions, rates, making, hashing, livemode })
    }

    /// Makes a batch; the codes are in the answer only. The same request with the same key shows the same codes.
    pub async fn make(&self, batch: VoucherBatch, key: &Idempotency) -> Result<Written<(VoucherBatch, Vec<String>)>> {
        let codes = self.codes(batch.id, batch.count);
        let vouchers: Vec<NewVoucher> = codes
            .iter()
            .map(|code| NewVoucher { id: VoucherId::new(batch.created_at), code_hash: self.hash(code) })
            .collect();
        Ok(match self.db.insert_voucher_batch(&batch, &vouchers, key).await? {
            Written::New(()) => Written::New((batch, codes.iter().map(|code| grouped(code)).collect())),
            Written::Replay { id } => Written::Replay { id },
            Written::KeyReused => Written::KeyReused,
        })
    }

    /// The codes of a batch as they were first shown.
    pub fn shown(&self, batch: &VoucherBatch) -> Vec<String> {
        self.codes(batch.id, batch.count).iter().map(|code| grouped(code)).collect()
    }

    /// Counts an attempt at a code, right or wrong.
    pub async fn count_attempt(&self, viewer: ViewerId, from: IpAddr) -> Rate {
        let limit = limits::REDEMPTIONS_PER_VIEWER_PER_MINUTE;
        let of_viewer = self.rates.count(&format!("redeem/{viewer}"), limit, MINUTE).await;
        let address = match from.to_canonical() {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(_) => client_network(from).to_string(),
        };
        let limit = limits::REDEMPTIONS_PER_ADDRESS_PER_MINUTE;
        let of_address = self.rates.count(&format!("redeem/address/{address}"), limit, MINUTE).await;
        if of_viewer == Rate::Within { of_address } else { of_viewer }
    }

    /// Redeems a code. The same viewer is given the same answer again.
    pub async fn redeem(&self, code: &str, redeemer: Redeemer) -> Result<Result<Grant, RedeemRefusal>> {
        if self.clock.is_doubtful() {
            return Err(Error::new(
                ErrorKind::Unavailable,
                "CLOCK_DOUBTFUL",
                "This server's clock has jumped; nothing is redeemed until that is mended.",
            ));
        }
        let Some(code) = canonical(code) else { return Ok(Err(RedeemRefusal::Unknown)) };
        let hash = self.hash(&code);
        for _ in 0..LOOKS_PER_REDEMPTION_MAX {
            let voucher = self.db.voucher_of_code(&hash).await?;
            let Some(voucher) = voucher.filter(|voucher| voucher.batch.livemode == self.livemode) else {
                return Ok(Err(RedeemRefusal::Unknown));
            };
            if let Some((owner, grant)) = voucher.redeemed {
                return Ok(if owner == redeemer.viewer_id { Ok(grant) } else { Err(RedeemRefusal::Used) });
            }
            match self.give(&voucher, redeemer).await? {
                Ok(Some(grant)) => return Ok(Ok(grant)),
                Ok(None) => {}
                Err(refusal) => return Ok(Err(refusal)),
            }
        }
        Err(Error::new(ErrorKind::Unavailable, "RIGHTS_CHANGING", "Your purchases are changing; try again."))
    }

    /// One attempt at a voucher that was free when it was read; nothing when it or the viewer's rights have changed.
    async fn give(&self, voucher: &Voucher, redeemer: Redeemer) -> Result<Result<Option<Grant>, RedeemRefusal>> {
        let now = self.clock.now();
        if !voucher.batch.is_open(now) {
            return Ok(Err(RedeemRefusal::Expired));
        }
        let snapshot = self.follower.snapshot();
        let (title, offer) = snapshot
            .offer(voucher.batch.offer_id)
            .ok_or_else(|| Error::internal(format!("the offer of voucher {} is gone", voucher.id)))?;
        let viewer = self.sessions.viewer_rights(Some(redeemer.viewer_id), offer.title_id).await?;
        // What could be sold now is also what is given now. An offer that is withdrawn, as when its price changes, takes
        // no voucher with it: that is what voiding the batch is for. Nor is a voucher sold when it is redeemed.
        let given = Offer { withdrawn_at: None, sales_cutoff_ms: 0, ..offer.clone() };
        if let Err(denial) = quote(title, &given, &viewer, redeemer.territory, now) {
            // What stands in the way may be what this very code has given meanwhile.
            let is_changed = viewer.grants.iter().any(|grant| grant.cause == GrantCause::Voucher(voucher.id));
            return Ok(if is_changed { Ok(None) } else { Err(RedeemRefusal::Denied(denial)) });
        }
        let cause = GrantCause::Voucher(voucher.id);
        let grant = new_grant(cause, redeemer.viewer_id, self.livemode, (title, offer), now);
        Ok(match self.db.redeem_voucher(&grant, viewer.grants.len()).await? {
            Redemption::Done => Ok(Some(grant)),
            Redemption::Changed => Ok(None),
            Redemption::OtherPending(other) => Err(RedeemRefusal::PurchasePending(other)),
        })
    }

    fn codes(&self, batch: VoucherBatchId, count: u32) -> Vec<String> {
        (0..count)
            .map(|index| {
                let tag = hmac::sign(&self.making, format!("{batch}/{index}").as_bytes());
                tag.as_ref().iter().take(CODE_CHARS).map(|byte| char::from(ALPHABET[usize::from(byte & 31)])).collect()
            })
            .collect()
    }

    fn hash(&self, code: &str) -> [u8; 32] {
        let mut hash = [0; 32];
        hash.copy_from_slice(hmac::sign(&self.hashing, code.as_bytes()).as_ref());
        hash
    }
}

/// `XXXXX-XXXXX-XXXXX-XXXXX`.
fn grouped(code: &str) -> String {
    code.as_bytes().chunks(GROUP_CHARS).map(String::from_utf8_lossy).collect::<Vec<_>>().join("-")
}

/// A code as it was made, from whatever a person makes of it: in any case, with or without separators, with the letters
/// that are taken for digits. Nothing where it cannot be one.
fn canonical(typed: &str) -> Option<String> {
    if typed.len() > limits::VOUCHER_CODE_BYTES_MAX {
        return None;
    }
    let mut code = String::with_capacity(CODE_CHARS);
    for character in typed.chars().filter(|character| !character.is_whitespace() && *character != '-') {
        let digit = match character.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        };
        if !digit.is_ascii() || !ALPHABET.contains(&(digit as u8)) {
            return None;
        }
        code.push(digit);
    }
    (code.len() == CODE_CHARS).then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_as_a_person_types_it() {
        let code = "01ABCDEFGHJKMNPQRSTV";
        assert_eq!(grouped(code), "01ABC-DEFGH-JKMNP-QRSTV");
        for typed in
            ["01ABC-DEFGH-JKMNP-QRSTV", "01abcdefghjkmnpqrstv", "oiabc defgh jkmnp qrstv", " OLABC-DEFGH-JKMNP-QRSTV\n"]
        {
            assert_eq!(canonical(typed).as_deref(), Some(code), "{typed}");
        }
        let long = "0".repeat(65);
        for wrong in
            ["", "01ABC", "U1ABC-DEFGH-JKMNP-QRSTV", "01ABC-DEFGH-JKMNP-QRSTV0", "０1ABCDEFGHJKMNPQRSTV", &long]
        {
            assert_eq!(canonical(wrong), None, "{wrong}");
        }
    }
}
