//! The contract of the database port. Each case gets a backend that is empty and states a method's whole visible effect.

use std::future::Future;
use std::sync::Arc;

use marquee::store::db::Db;
use marquee::store::db::{postgres, sqlite};

use crate::postgres_server::PostgresServer;

mod account;
mod audit;
mod catalog;
mod collection;
mod commerce;
mod deal;
mod delivery;
mod job;
mod lock;
mod merchandise;
mod operator;
mod placement;
mod playback;
mod progress;
mod races;
mod sales;
mod screener;
mod series;
mod storefront;
mod telemetry;
mod voucher;
pub mod outage;
pub mod product;
pub mod wallet;

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
        Arc::new(sqlite::open(&self.path()).await.unwrap())
    }
}

pub struct PostgresDatabase(String);

impl PostgresDatabase {
    pub async fn new() -> PostgresDatabase {
        PostgresDatabase(PostgresServer::of_this_process().new_database().await)
    }
}

impl Backend for PostgresDatabase {
    async fn open(&self) -> Arc<dyn Db> {
        Arc::new(postgres::open(&self.0).await.unwrap())
    }
}

macro_rules! suite {
    ($($room:ident: $($case:ident)*;)*) => {
        mod in_sqlite {
            $($(#[tokio::test(flavor = "multi_thread")]
            async fn $case() {
                let backend = super::SqliteFile::new();
                super::$room::$case(&backend).await;
            })*)*
        }

        mod in_postgres {
            $($(#[tokio::test(flavor = "multi_thread")]
            async fn $case() {
                let backend = super::PostgresDatabase::new().await;
                super::$room::$case(&backend).await;
            })*)*
        }
    };
}

suite! {
    account:
        a_viewer_is_found_by_id_and_by_address_in_any_case
        an_address_has_one_account
        a_token_is_found_by_its_digest_until_it_ends
        a_viewer_is_edited_by_what_is_named
        sign_ins_are_listed_and_ended_by_whose_they_are
        a_sign_in_becomes_a_device_while_there_is_room
        a_new_sign_in_takes_the_place_of_the_one_before;
    audit:
        lines_come_in_order_and_each_hash_covers_the_one_before
        lines_are_read_newest_first_through_a_filter;
    catalog:
        a_title_is_kept_whole_and_edited_by_version
        avails_and_offers_are_kept_whole
        caps_are_kept_whole_and_never_less
        holdbacks_are_kept_whole_and_by_the_plan
        plans_are_changed_whole_or_not_at_all
        what_refers_to_nothing_is_refused
        assets_come_in_pages
        windows_of_one_kind_do_not_overlap
        an_avail_goes_while_nothing_stands_on_it
        an_offer_is_withdrawn_once
        who_waits_for_an_opening_waits_for_the_new_one
        every_write_is_a_change
        a_repeated_key_replays_and_another_body_is_refused;
    collection:
        a_collection_is_kept_whole_and_edited_by_version;
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
        files_beside_a_film_are_whole_and_of_no_other_film_and_go_with_its_job
        a_job_is_claimed_oldest_first_and_lost_with_its_lease
        a_card_is_queued_once_until_it_is_made_and_forgotten
        a_job_ends_once_and_keeps_its_outcome
        an_asset_is_published_with_the_end_of_its_job_or_not_at_all
        an_asset_is_there_in_part_until_its_job_ends
        what_begins_otherwise_ends_the_sessions_that_saw_the_other_beginning;
    delivery:
        a_delivery_stays_as_it_was_sent_and_is_answered_and_recalled_once;
    outage:
        an_outage_is_given_back_once;
    operator:
        operators_are_listed_and_found_by_address_in_any_case
        a_link_lets_in_once_and_in_time
        an_owner_is_made_by_link_and_made_again_by_another
        a_new_link_voids_the_one_before_of_its_purpose
        one_link_lets_one_in_of_many
        the_last_owner_stays
        disabling_ends_everything_of_an_operator
        a_new_password_ends_the_other_sign_ins
        a_person_of_a_party_is_told_from_the_house
        tokens_for_programs_are_listed_and_ended;
    playback:
        a_session_is_open_until_it_ends
        open_sessions_are_listed_for_their_viewer
        a_session_is_revoked_once
        the_clock_starts_once
        changes_come_in_order_and_the_newest_is_never_forgotten
        a_track_has_one_key_for_each_scheme_and_extent
        signing_keys_come_newest_first;
    telemetry:
        notes_are_folded_into_their_session_and_kept_in_order
        the_card_of_a_session_is_not_watched
        the_board_is_what_the_books_say
        campaigns_are_what_sessions_and_the_books_say
        lines_and_sessions_are_forgotten_a_few_at_a_time;
    product:
        products_and_coupons_are_made_and_ended_once
        what_a_product_gives_comes_and_goes_with_the_money
        a_coupon_is_used_no_more_often_than_it_may;
    progress:
        the_last_place_in_a_title_is_kept_for_each_viewer;
    races:
        one_key_begins_one_purchase
        one_of_many_sign_ins_becomes_the_last_device
        two_keys_begin_one_purchase_of_a_title
        one_clock_starts_at_one_instant
        one_purchase_is_settled_by_one_of_many
        one_track_gets_one_key
        a_job_has_one_worker
        changes_are_seen_in_order_while_they_are_written
        a_write_whose_caller_is_gone_is_done_whole;
    sales:
        sales_are_found_by_everything_that_is_asked
        a_purchase_leaves_a_trail
        a_late_payment_is_recorded_once_and_audited
        the_first_to_press_decides
        viewers_are_found_by_how_their_address_begins
        a_membership_is_ended_early_once;
    storefront:
        a_server_begins_with_one_storefront
        storefronts_are_kept_whole_and_edited_by_version
        a_slug_and_a_host_are_one_storefronts
        exactly_one_storefront_is_the_default;
    voucher:
        a_batch_is_kept_with_all_its_vouchers
        a_voucher_gives_one_grant_to_one_viewer
        a_voucher_is_not_redeemed_late_void_or_on_other_rights
        one_voucher_of_many_hands_is_redeemed_once
        a_thousand_codes_in_thirty_hands_are_a_thousand_grants;
    merchandise:
        clicks_are_counted_by_day_sku_and_campaign;
    placement:
        blocks_of_placements_are_kept_whole_and_edited_by_version;
    series:
        a_season_of_a_series_is_one_title;
    lock:
        a_lock_is_kept_and_its_tries_are_counted;
    screener:
        invitations_are_kept_with_their_title_and_their_viewer;
    deal:
        parties_are_kept_whole_and_edited_by_version
        deals_are_kept_with_their_title_and_refused_where_its_plan_is_against_them
        no_deal_comes_to_open_before_a_holdback_lets_it;
    wallet:
        coins_are_added_once_and_taken_back_once
        an_episode_is_unlocked_once_and_paid_for_once
        rewards_are_counted_from_an_instant
        a_viewer_switches_asking_off;
}
