//! Of the rights to a part that are found, the first under whose window it may be heard as it is wanted; where there is none,
//! the first under which it may be heard at all.

use crate::rights::entitlement::Entitlement;
use crate::rights::episode::Episode;
use crate::rights::language_terms::Hearing;
use crate::rights::trace::{self, Tracer};

/// The rights that are found, in their order.
pub struct HeardRights<'a> {
    episode: &'a Episode<'a>,
    /// The first under which the part is heard as it is wanted.
    pub found: Option<Entitlement>,
    /// The first under which it is heard in another language.
    other: Option<Entitlement>,
    /// The first under which nothing of it may be heard.
    pub mute: Option<Entitlement>,
}

impl<'a> HeardRights<'a> {
    pub fn of(episode: &'a Episode<'a>) -> HeardRights<'a> {
        HeardRights { episode, found: None, other: None, mute: None }
    }

    /// The next one, if there is one.
    pub fn offer(&mut self, right: Option<Entitlement>, tracer: &mut impl Tracer) {
        let Some(right) = right else { return };
        let Episode { part, reach, viewer, .. } = *self.episode;
        let avail = right.avail_id.and_then(|id| reach.title.avail(id));
        let hearing = avail.map_or(Hearing::Wanted, |avail| reach.hearing(part, avail, viewer.wanted.as_ref()));
        tracer.step(|| trace::languages(reach.sound(part), &right, viewer.wanted.as_ref(), hearing));
        let place = match hearing {
            Hearing::Wanted => &mut self.found,
            Hearing::Other => &mut self.other,
            Hearing::Mute => &mut self.mute,
        };
        place.get_or_insert(right);
    }

    /// The right that is used.
    pub fn used(&mut self) -> Option<Entitlement> {
        self.found.take().or_else(|| self.other.take())
    }
}
