//! Release cards: a title that has a licence gets one for each of its parts, made by a job, and one that no title asks for
//! any more is removed once nobody plays it.

use std::collections::HashSet;
use std::sync::Arc;

use crate::base::clock::Clock;
use crate::base::error::Result;
use crate::base::id::{AssetId, JobId};
use crate::base::territory::Territory;
use crate::catalog::asset::AssetState;
use crate::catalog::licence::{CardPolicy, CardSource, Licence, ReleaseCard};
use crate::catalog::title::Title;
use crate::operator::uploads::Uploads;
use crate::playback::follower::Follower;
use crate::store::blobs::Blobs;
use crate::store::db::Db;
use crate::store::db::job::{Job, JobOutcome, JobProgress, JobState, JobWork};

/// Sees to the cards.
pub struct Cards {
    pub db: Arc<dyn Db>,
    pub clock: Clock,
    pub follower: Arc<Follower>,
    pub uploads: Arc<Uploads>,
    pub blobs: Blobs,
    pub policy: CardPolicy,
}

/// A part, or a clean edit of one, and where its card stands.
pub struct FilmCard {
    pub part: u32,
    pub film: AssetId,
    pub state: CardState,
}

/// Where the card of one film stands.
pub enum CardState {
    Ready(ReleaseCard),
    Queued,
    Making,
    Failed { code: String, message: String },
}

impl Cards {
    /// Where films under this licence open with a card.
    pub fn territories(&self, licence: &Licence) -> &[Territory] {
        if self.policy.licences.contains(&licence.kind) { &self.policy.territories } else { &[] }
    }

    /// Queues a job for each film of a title, its parts and their clean edits, whose card is neither made nor on its way.
    /// A film that is still being packaged gets its card after that, see [`Cards::queue_of`].
    pub async fn queue(&self, title: &Title) -> Result<()> {
        let snapshot = self.follower.snapshot();
        for source in self.sources(title, title.films()) {
            if snapshot.exact_card(&source).is_some() || !self.is_complete(source.film).await? {
                continue;
            }
            let now = self.clock.now();
            let job = Job {
                id: JobId::new(now),
                source_name: source.licence.number.clone(),
                work: JobWork::Card(source),
                state: JobState::Queued,
                progress: JobProgress::default(),
                created_at: now,
                finished_at: None,
            };
            if self.db.queue_card(&job).await? {
                self.uploads.tell_of_job();
            }
        }
        Ok(())
    }

    /// The same for every title: what failed is tried again.
    pub async fn queue_all(&self) -> Result<()> {
        for title in self.follower.snapshot().titles() {
            self.queue(&title.title).await?;
        }
        Ok(())
    }

    /// The same for every title that shows this film.
    pub async fn queue_of(&self, film: AssetId) -> Result<()> {
        for title in self.follower.snapshot().titles().filter(|title| title.title.films().any(|its| its == film)) {
            self.queue(&title.title).await?;
        }
        Ok(())
    }

    /// Where the card of each part stands, part 1 first, then those of their clean edits; nothing where no card is asked for.
    pub async fn states(&self, title: &Title) -> Result<Vec<FilmCard>> {
        let snapshot = self.follower.snapshot();
        let mut states = Vec::new();
        for (part, film) in title.films_of_parts() {
            let Some(source) = self.sources(title, [film].into_iter()).pop() else { continue };
            let made = snapshot.exact_card(&source).map(CardState::Ready);
            let state = match made {
                Some(ready) => ready,
                None => match self.db.card_job(&source).await?.map(|job| job.state) {
                    Some(JobState::Running) => CardState::Making,
                    Some(JobState::Finished(JobOutcome::Failed { code, message })) => {
                        CardState::Failed { code, message }
                    }
                    // It is about to be; one that is made is in the next snapshot.
                    Some(JobState::Queued | JobState::Finished(JobOutcome::Done { .. })) | None => CardState::Queued,
                },
            };
            states.push(FilmCard { part, film, state });
        }
        Ok(states)
    }

    /// Removes what no title asks for and no session plays: the bytes first, so that a removal that was cut short is
    /// finished the next time.
    pub async fn remove_unused(&self) -> Result<()> {
        let snapshot = self.follower.snapshot();
        let sources =
            snapshot.titles().flat_map(|title| self.sources(&title.title, title.title.films())).collect::<Vec<_>>();
        let used: HashSet<_> = sources.iter().filter_map(|source| snapshot.card(source)).collect();
        let mut is_changed = false;
        for (_, card) in self.db.cards().await? {
            if used.contains(&card) || self.db.card_is_played(card.asset_id, self.clock.now()).await? {
                continue;
            }
            self.blobs.remove_asset(card.asset_id).await?;
            self.db.delete_card(card.asset_id, self.clock.now()).await?;
            is_changed = true;
        }
        if is_changed {
            self.follower.announce().await;
            // Should a title have asked for one of them in between.
            self.queue_all().await?;
        }
        Ok(())
    }

    async fn is_complete(&self, film: AssetId) -> Result<bool> {
        Ok(self.db.asset(film).await?.is_some_and(|film| film.state == AssetState::Complete))
    }

    /// What the cards before these films of a title are made of, in their order.
    fn sources(&self, title: &Title, films: impl Iterator<Item = AssetId>) -> Vec<CardSource> {
        let is_asked_for = |licence: &Licence| !self.territories(licence).is_empty();
        if !title.details.licence.as_ref().is_some_and(is_asked_for) {
            return Vec::new();
        }
        films.filter_map(|film| title.card_source(film)).collect()
    }
}
