//! The contract of the database port. Each case gets a backend that is empty and states a method's whole visible effect.

use std::future::Future;
use std::sync::Arc;

use marquee::store::db::Db;
use marquee::store::db::sqlite::SqliteDb;

mod account;
mod audit;
mod catalog;
mod commerce;
mod job;
mod playback;
mod races;

/// A database that can be opened more than once.
pub trait Backend {
    fn open(&self) -> impl Future<Output = Arc<dyn Db>> + Send;
}

pub struct SqliteFile(tempfile::TempDir);

impl SqliteFile {
    pub fn new() -> SqliteFile {
        SqliteFile(tempfile::tempdir().unwrap())
    }

    pub fn path(&self) -> std::path::PathBuf {
        self.0.path().join("marquee.db")
    }
}

impl Backend for SqliteFile {
    async fn open(&self) -> Arc<dyn Db> {
        Arc::new(SqliteDb::open(&self.path()).await.unwrap())
    }
}

macro_rules! suite {
    ($($room:ident: $($case:ident)*;)*) => {
        mod sqlite {
            $($(#[tokio::test(flavor = "multi_thread")]
            async fn $case() {
                let backend = super::SqliteFile::new();
                super::$room::$case(&backend).await;
            })*)*
        }
    };
}

suite! {
    account:
        a_viewer_is_found_by_id_and_by_address_in_any_case
        an_address_has_one_account
        operators_are_listed
        a_token_is_found_by_its_digest_until_it_ends;
    audit:
        lines_come_in_order_and_each_hash_covers_the_one_before;
    catalog:
        a_title_is_kept_whole_and_edited_by_version
        avails_and_offers_are_kept_whole
        what_refers_to_nothing_is_refused
        assets_come_in_pages
        every_write_is_a_change
        a_repeated_key_replays_and_another_body_is_refused;
    commerce:
        a_purchase_is_recorded_once_by_its_key
        a_purchase_is_not_begun_beside_another_or_on_other_rights
        a_settled_purchase_has_its_entry_and_its_grant
        a_purchase_is_settled_once
        an_event_counts_once
        a_purchase_ends_without_money
        a_refund_takes_everything_back_once
        a_grant_is_revoked_once
        what_belongs_to_another_purchase_is_refused_whole
        lists_are_paged_newest_first
        plans_and_memberships_are_kept
        keys_are_forgotten
        everything_is_there_after_it_was_opened_again;
    job:
        an_upload_grows_and_becomes_a_job
        a_job_is_claimed_oldest_first_and_lost_with_its_lease
        a_job_ends_once_and_keeps_its_outcome
        an_asset_is_published_with_the_end_of_its_job_or_not_at_all;
    playback:
        a_session_is_open_until_it_ends
        a_session_is_revoked_once
        the_clock_starts_once
        changes_come_in_order_and_the_newest_is_never_forgotten
        a_track_has_one_key
        signing_keys_come_newest_first;
    races:
        one_key_begins_one_purchase
        two_keys_begin_one_purchase_of_a_title
        one_clock_starts_at_one_instant
        one_purchase_is_settled_by_one_of_many
        one_track_gets_one_key
        a_job_has_one_worker
        changes_are_seen_in_order_while_they_are_written
        a_write_whose_caller_is_gone_is_done_whole;
}
