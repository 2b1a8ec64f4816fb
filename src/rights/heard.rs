//! Of the rights to a part that are found, the first under whose window something of it may be heard.

use crate::rights::entitlement::Entitlement;
use crate::rights::episode::Episode;
use crate::rights::trace::{self, Tracer};

/// The rights that are found, in their order.
pub struct HeardRights<'a> {
    episode: &'a Episode<'a>,
    /// The first under which something of the part may be heard.
    pub found: Option<Entitlement>,
    /// The first under which nothing may.
    pub mute: Option<Entitlement>,
}

impl<'a> HeardRights<'a> {
    pub fn of(episode: &'a Episode<'a>) -> HeardRights<'a> {
        HeardRights { episode, found: None, mute: None }
    }

    /// The next one, if there is one.
    pub fn offer(&mut self, right: Option<Entitlement>, tracer: &mut impl Tracer) {
        let Some(right) = right else { return };
        let Episode { part, reach, .. } = *self.episode;
        let avail = right.avail_id.and_then(|id| reach.title.avail(id));
        let is_heard = avail.is_none_or(|avail| reach.is_heard(part, avail));
        tracer.step(|| trace::languages(reach.sound(part), &right, is_heard));
        if is_heard {
            self.found = Some(right);
        } else {
            self.mute.get_or_insert(right);
        }
    }
}
