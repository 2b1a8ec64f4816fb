//! When a title of a showcase is on the air: by which deal of the channel's broadcaster.

use crate::base::clock::UtcMs;
use crate::base::territory::Territory;
use crate::catalog::collection::{Collection, Showcase};
use crate::rights::deal::{Carriage, Deal};
use crate::rights::window::Window;

/// Of a title's deals that put it on the showcase's channel while the collection is shown the first that is not over, or
/// else the first; where a territory is named, of those that hold there.
pub fn airing<'d>(
    collection: &Collection,
    deals: &'d [Deal],
    territory: Option<Territory>,
    now: UtcMs,
) -> Option<&'d Deal> {
    let Showcase { party_id, channel } = collection.showcase.as_ref()?;
    let Collection { start_at, end_at, zone, .. } = collection;
    let shown = Window { start_at: *start_at, end_at: *end_at, zone: zone.clone() };
    let is_on = |deal: &&Deal| {
        let is_channels = matches!(&deal.carriage, Carriage::Broadcast { channel: its, .. } if its == channel);
        is_channels
            && deal.party_id == *party_id
            && deal.revoked_at.is_none()
            && territory.is_none_or(|territory| deal.territories.contains(territory))
            && deal.window.common(&shown).is_some()
    };
    deals.iter().filter(is_on).min_by_key(|deal| (!deal.is_alive(now), deal.window.start_at, deal.id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::id::{CollectionId, DealId, PartyId, TitleId};
    use crate::base::territory::TerritorySet;

    #[test]
    fn it_is_the_first_broadcast_of_the_channel_while_the_collection_is_shown() {
        let (party_id, title_id) = (PartyId::new(UtcMs(1)), TitleId::new(UtcMs(1)));
        let china: Territory = "CN".parse().unwrap();
        let showcase = Some(Showcase { party_id, channel: "Films".into() });
        let collection = Collection {
            id: CollectionId::new(UtcMs(1)),
            name: [].into(),
            synopsis: [].into(),
            title_ids: vec![title_id],
            start_at: UtcMs(100),
            end_at: Some(UtcMs(200)),
            zone: "UTC".into(),
            showcase,
            created_at: UtcMs(1),
            version: 1,
        };
        let broadcast = |channel: &str| Carriage::Broadcast {
            channel: channel.into(),
            clearance: "filed".into(),
            runs: 1,
            slots: vec![],
            catch_up: false,
        };
        let deal = |start: i64, end: Option<i64>| Deal {
            id: DealId::new(UtcMs(start)),
            title_id,
            party_id,
            contract: None,
            carriage: broadcast("Films"),
            territories: TerritorySet::of([china]),
            window: Window { start_at: UtcMs(start), end_at: end.map(UtcMs), zone: "UTC".into() },
            caps: None,
            exclusivity: None,
            opened_at: None,
            revoked_at: None,
        };
        let first = |deals: &[Deal]| airing(&collection, deals, None, UtcMs(1)).map(|deal| deal.window.start_at.0);
        for (one, expected) in [
            (deal(50, Some(100)), None),
            (deal(50, Some(101)), Some(50)),
            (deal(50, None), Some(50)),
            (deal(199, None), Some(199)),
            (deal(200, None), None),
            (Deal { revoked_at: Some(UtcMs(1)), ..deal(150, None) }, None),
            (Deal { party_id: PartyId::new(UtcMs(2)), ..deal(150, None) }, None),
            (Deal { carriage: broadcast("Others"), ..deal(150, None) }, None),
            (Deal { carriage: Carriage::Cinema, ..deal(150, None) }, None),
        ] {
            assert_eq!(first(&[one]), expected);
        }
        let both = [deal(160, None), deal(150, None)];
        assert_eq!(first(&both), Some(150));
        let abroad = airing(&collection, &both, Some("DE".parse().unwrap()), UtcMs(1));
        assert_eq!((airing(&collection, &both, Some(china), UtcMs(1)), abroad), (Some(&both[1]), None));
        assert_eq!(airing(&Collection { showcase: None, ..collection.clone() }, &both, None, UtcMs(1)), None);
        // What is over is told only where nothing follows it.
        let again = [deal(100, Some(120)), deal(150, Some(160))];
        for (now, expected) in [(119, 100), (120, 150), (159, 150), (160, 100)] {
            let told = airing(&collection, &again, None, UtcMs(now)).map(|deal| deal.window.start_at.0);
            assert_eq!(told, Some(expected), "{now}");
        }
    }
}
