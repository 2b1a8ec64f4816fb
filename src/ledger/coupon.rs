//! A coupon: a word that makes something cheaper, for some time and so many times. What is used up comes back where the
//! purchase comes to nothing or is refunded.

use serde::{Deserialize, Serialize};

use crate::base::clock::UtcMs;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::id::{CouponId, ProductId, TitleId};
use crate::base::limits;
use crate::base::money::Money;
use crate::ledger::purchase::Good;

/// What an operator gives out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coupon {
    pub id: CouponId,
    /// In upper case.
    pub code: String,
    pub off: Off,
    /// Of which titles; with `product_ids` empty too, of everything.
    pub title_ids: Vec<TitleId>,
    pub product_ids: Vec<ProductId>,
    /// `[starts_at, ends_at)`.
    pub starts_at: UtcMs,
    pub ends_at: UtcMs,
    /// By all viewers together; without it as often as they like.
    pub uses_max: Option<u32>,
    pub uses_per_viewer: u32,
    /// Coupons that were made before anybody said are the platform's.
    #[serde(default)]
    pub funded_by: FundedBy,
    /// For operators: what it is for.
    pub note: String,
    pub void_at: Option<UtcMs>,
    pub created_at: UtcMs,
}

/// What it takes off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Off {
    /// Of the price; the discount is rounded half up to the minor unit.
    Percent(u32),
    /// And no more than the price.
    Amount(Money),
}

/// Who pays for what it takes off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FundedBy {
    /// The platform: the producer has its part of the full price.
    #[default]
    Platform,
    /// The producer: it has its part of what was paid.
    Producer,
}

/// How often a coupon has been used: purchases that are pending or paid. By all viewers it is counted only where there is a
/// bound, and no further than that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CouponUses {
    pub by_all: u32,
    pub by_viewer: u32,
}

impl FundedBy {
    pub fn as_str(self) -> &'static str {
        match self {
            FundedBy::Platform => "platform",
            FundedBy::Producer => "producer",
        }
    }

    pub fn parse(text: &str) -> Option<FundedBy> {
        [FundedBy::Platform, FundedBy::Producer].into_iter().find(|who| who.as_str() == text)
    }
}

impl Coupon {
    /// As it is compared: letters in upper case, nothing around it.
    pub fn fold(code: &str) -> String {
        code.trim().to_ascii_uppercase()
    }

    /// Whether it could be one, in upper case.
    pub fn is_code(code: &str) -> bool {
        let is_letter = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-';
        let lengths = limits::COUPON_CODE_CHARS_MIN..=limits::COUPON_CODE_CHARS_MAX;
        lengths.contains(&code.len()) && code.bytes().all(is_letter)
    }

    /// Refuses what no operator can have meant.
    pub fn check(&self) -> Result<()> {
        let refuse = |param: &str, message: String| {
            Err(Error::new(ErrorKind::Unprocessable, "COUPON_INVALID", message).with_param(param))
        };
        let (shortest, longest) = (limits::COUPON_CODE_CHARS_MIN, limits::COUPON_CODE_CHARS_MAX);
        if !Coupon::is_code(&self.code) {
            return refuse("code", format!("A code has {shortest} to {longest} letters A to Z, digits and hyphens."));
        }
        match self.off {
            Off::Percent(percent) if !(1..=100).contains(&percent) => {
                return refuse("off", "A percentage lies between 1 and 100.".into());
            }
            Off::Amount(amount) if !(1..=limits::PRICE_MINOR_MAX).contains(&amount.minor) => {
                return refuse(
                    "off",
                    "What is taken off is above zero and has at most 12 zeros in minor units.".into(),
                );
            }
            Off::Percent(_) | Off::Amount(_) => {}
        }
        if self.title_ids.len() + self.product_ids.len() > limits::COUPON_GOODS_MAX {
            let message = format!("A coupon names at most {} titles and products.", limits::COUPON_GOODS_MAX);
            return refuse("title_ids", message);
        }
        if self.ends_at <= self.starts_at {
            return refuse("ends_at", "It must end after it starts.".into());
        }
        if self.uses_max == Some(0) || self.uses_per_viewer == 0 {
            return refuse("uses_max", "It can be used once at least.".into());
        }
        let is_long = self.note.chars().count() > limits::REASON_CHARS_MAX;
        if is_long || self.note.chars().any(char::is_control) {
            return refuse("note", format!("A note is one line of at most {} characters.", limits::REASON_CHARS_MAX));
        }
        Ok(())
    }

    /// What is taken off `price`, or why nothing is.
    pub fn discount(&self, good: &Good, price: Money, uses: CouponUses, now: UtcMs) -> Result<Money> {
        let refuse =
            |code, message: &str| Err(Error::new(ErrorKind::Conflict, code, message.to_owned()).with_param("coupon"));
        // Whoever guesses learns nothing of coupons to come.
        if now < self.starts_at || self.void_at.is_some_and(|void_at| now >= void_at) {
            return Err(unknown());
        }
        if now >= self.ends_at {
            return refuse("COUPON_EXPIRED", "This coupon has expired. Order without it.");
        }
        if uses.by_viewer >= self.uses_per_viewer {
            return refuse("COUPON_USED", "You have used this coupon already. Order without it.");
        }
        if self.uses_max.is_some_and(|most| uses.by_all >= most) {
            return refuse("COUPON_EXHAUSTED", "This coupon has been used up. Order without it.");
        }
        let off = match self.off {
            Off::Percent(percent) => percent_of(price, percent),
            Off::Amount(amount) if amount.currency == price.currency => {
                Money { minor: amount.minor.min(price.minor), ..price }
            }
            Off::Amount(_) => return refuse("COUPON_NOT_FOR_THIS", "This coupon is for another currency."),
        };
        if !self.is_for(good) {
            return refuse("COUPON_NOT_FOR_THIS", "This coupon is for something else. Order without it.");
        }
        Ok(off)
    }

    fn is_for(&self, good: &Good) -> bool {
        let is_for_all = self.title_ids.is_empty() && self.product_ids.is_empty();
        is_for_all
            || match good {
                Good::Offer(line) => self.title_ids.contains(&line.title_id),
                Good::Product { product_id, .. } => self.product_ids.contains(product_id),
            }
    }
}

/// Half up to the minor unit.
fn percent_of(price: Money, percent: u32) -> Money {
    let minor = (i128::from(price.minor) * i128::from(percent) + 50) / 100;
    // No more than the price, since it is 100 % at most.
    Money { minor: i64::try_from(minor).unwrap_or(price.minor), ..price }
}

/// What is said of a word that is no coupon, and of one that is not one yet or no more.
pub fn unknown() -> Error {
    Error::new(ErrorKind::Conflict, "COUPON_UNKNOWN", "There is no such coupon. Check it, or order without it.")
        .with_param("coupon")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::id::{AvailId, OfferId};
    use crate::base::money::Currency;
    use crate::ledger::purchase::Line;

    const START: UtcMs = UtcMs(1_800_000_000_000);
    const END: UtcMs = UtcMs(1_800_086_400_000);

    fn cny(minor: i64) -> Money {
        Money::new(minor, Currency::CNY)
    }

    fn coupon(off: Off) -> Coupon {
        Coupon {
            id: CouponId::new(START),
            code: "SPRING-27".into(),
            off,
            title_ids: Vec::new(),
            product_ids: Vec::new(),
            starts_at: START,
            ends_at: END,
            uses_max: Some(2),
            uses_per_viewer: 1,
            funded_by: FundedBy::Platform,
            note: String::new(),
            void_at: None,
            created_at: START,
        }
    }

    fn film() -> Good {
        let id = TitleId::new(START);
        Good::Offer(Line {
            title_id: id,
            avail_id: AvailId::new(START),
            offer_id: OfferId::new(START),
            price: cny(1800),
        })
    }

    #[test]
    fn a_coupon_takes_off_what_it_says_and_never_more_than_the_price() {
        let none = CouponUses::default();
        for (off, price, expected) in [
            (Off::Percent(50), 1800, 900),
            (Off::Percent(33), 100, 33),
            (Off::Percent(50), 1, 1),
            (Off::Percent(49), 1, 0),
            (Off::Percent(100), 1799, 1799),
            (Off::Amount(cny(500)), 1800, 500),
            (Off::Amount(cny(5000)), 1800, 1800),
        ] {
            let discount = coupon(off).discount(&film(), cny(price), none, START).unwrap();
            assert_eq!(discount, cny(expected), "{off:?} of {price}");
        }
        let dollars = coupon(Off::Amount(Money::new(100, Currency::USD)));
        assert_eq!(dollars.discount(&film(), cny(1800), none, START).unwrap_err().code(), "COUPON_NOT_FOR_THIS");
    }

    #[test]
    fn a_coupon_is_good_in_its_time_so_many_times_and_for_what_it_names() {
        let code = |coupon: &Coupon, by_all, by_viewer, at: i64| {
            let uses = CouponUses { by_all, by_viewer };
            coupon.discount(&film(), cny(1800), uses, UtcMs(at)).err().map(|error| error.code())
        };
        let half = coupon(Off::Percent(50));
        for (at, expected) in
            [(START.0 - 1, Some("COUPON_UNKNOWN")), (START.0, None), (END.0 - 1, None), (END.0, Some("COUPON_EXPIRED"))]
        {
            assert_eq!(code(&half, 0, 0, at), expected);
        }
        for (by_all, by_viewer, expected) in
            [(1, 0, None), (2, 0, Some("COUPON_EXHAUSTED")), (1, 1, Some("COUPON_USED")), (2, 1, Some("COUPON_USED"))]
        {
            assert_eq!(code(&half, by_all, by_viewer, START.0), expected);
        }
        let void = Coupon { void_at: Some(UtcMs(START.0 + 10)), ..half.clone() };
        assert_eq!([9, 10].map(|ms| code(&void, 0, 0, START.0 + ms)), [None, Some("COUPON_UNKNOWN")]);
        let other = Coupon { title_ids: vec![TitleId::new(START)], ..half.clone() };
        assert_eq!(code(&other, 0, 0, START.0), Some("COUPON_NOT_FOR_THIS"));
        let product = Coupon { product_ids: vec![ProductId::new(START)], ..half };
        assert_eq!(code(&product, 0, 0, START.0), Some("COUPON_NOT_FOR_THIS"));
    }

    #[test]
    fn the_platform_pays_for_a_coupon_that_was_kept_before_anybody_said_who_does() {
        let kept = coupon(Off::Percent(10));
        let mut before = serde_json::to_value(Coupon { funded_by: FundedBy::Producer, ..kept.clone() }).unwrap();
        assert_eq!(before.as_object_mut().unwrap().remove("funded_by"), Some("producer".into()));
        assert_eq!(serde_json::from_value::<Coupon>(before).unwrap(), kept);
    }

    #[test]
    fn what_no_operator_can_have_meant_is_refused() {
        let whole = coupon(Off::Percent(10));
        whole.check().unwrap();
        for (wrong, param) in [
            (Coupon { code: "AB1".into(), ..whole.clone() }, "code"),
            (Coupon { code: "spring".into(), ..whole.clone() }, "code"),
            (Coupon { off: Off::Percent(0), ..whole.clone() }, "off"),
            (Coupon { off: Off::Percent(101), ..whole.clone() }, "off"),
            (Coupon { off: Off::Amount(cny(0)), ..whole.clone() }, "off"),
            (Coupon { ends_at: START, ..whole.clone() }, "ends_at"),
            (Coupon { uses_max: Some(0), ..whole.clone() }, "uses_max"),
            (Coupon { uses_per_viewer: 0, ..whole.clone() }, "uses_max"),
            (Coupon { note: "two\nlines".into(), ..whole.clone() }, "note"),
        ] {
            let error = wrong.check().unwrap_err();
            assert_eq!((error.code(), error.param()), ("COUPON_INVALID", Some(param)), "{wrong:?}");
        }
    }
}
