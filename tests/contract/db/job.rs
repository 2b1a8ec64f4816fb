use std::time::Duration;

use marquee::base::error::ErrorKind;
use marquee::base::id::{AssetId, JobId, SessionId, UploadId};
use marquee::catalog::asset::{Asset, AssetDetails, AssetState, SourceSummary};
use marquee::catalog::licence::{CardSource, Licence, LicenceKind, ReleaseCard};
use marquee::rights::session::PlaybackSession;
use marquee::store::db::job::{
    Job, JobOutcome, JobProgress, JobStage, JobState, JobWork, Sidecar, SidecarKind, StageName, Upload, UploadRole,
};
use marquee::store::db::playback::Change;
use marquee::store::db::{Page, Written};

use super::Backend;
use crate::scene::{NOW, Scene, key, later};

const TTL: Duration = Duration::from_millis(100);

pub fn job(ms: i64) -> Job {
    Job {
        id: JobId::new(later(ms)),
        work: JobWork::Film { upload_id: UploadId::new(NOW) },
        source_name: "film.mov".into(),
        state: JobState::Queued,
        progress: JobProgress::default(),
        created_at: later(ms),
        finished_at: None,
    }
}

pub async fn an_upload_grows_and_becomes_a_job(backend: &impl Backend) {
    let db = backend.open().await;
    let upload = Upload {
        id: UploadId::new(NOW),
        file_name: "film.mov".into(),
        length_bytes: 100,
        received_bytes: 0,
        created_at: NOW,
        job_id: None,
        role: UploadRole::Film { beside: Vec::new() },
    };
    assert_eq!(db.insert_upload(&upload, Some(&key("up"))).await.unwrap(), Written::New(()));
    let replay = Written::Replay { id: upload.id.to_string() };
    assert_eq!(db.insert_upload(&upload, Some(&key("up"))).await.unwrap(), replay);
    db.advance_upload(upload.id, 60).await.unwrap();
    let grown = Upload { received_bytes: 60, ..upload };
    assert_eq!(db.upload(grown.id).await.unwrap(), Some(grown.clone()));
    assert_eq!(db.open_uploads().await.unwrap(), std::slice::from_ref(&grown));
    let job = job(1);
    db.complete_upload(grown.id, &job).await.unwrap();
    assert_eq!(db.upload(grown.id).await.unwrap(), Some(Upload { job_id: Some(job.id), ..grown.clone() }));
    assert_eq!(db.job(job.id).await.unwrap(), Some(job.clone()));
    assert_eq!(db.open_uploads().await.unwrap(), []);
    let again = self::job(2);
    assert_eq!(db.complete_upload(grown.id, &again).await.unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!(db.advance_upload(grown.id, 70).await.unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!(db.job(again.id).await.unwrap(), None);
    assert!(db.delete_upload(grown.id).await.unwrap());
    assert_eq!(db.upload(grown.id).await.unwrap(), None);
    assert_eq!(db.advance_upload(grown.id, 70).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(db.job(job.id).await.unwrap(), Some(job), "the job outlives it");
}

pub async fn files_beside_a_film_are_whole_and_of_no_other_film_and_go_with_its_job(backend: &impl Backend) {
    let db = backend.open().await;
    let upload = |ms: i64, role| Upload {
        id: UploadId::new(later(ms)),
        file_name: "file".into(),
        length_bytes: 100,
        received_bytes: 0,
        created_at: NOW,
        job_id: None,
        role,
    };
    let sidecar = |ms, kind| upload(ms, UploadRole::Sidecar(Sidecar { kind, language: "fr".to_owned() }));
    let film = |ms, beside: &[&Upload]| {
        upload(ms, UploadRole::Film { beside: beside.iter().map(|upload| upload.id).collect() })
    };
    let (audio, words) = (sidecar(1, SidecarKind::Audio), sidecar(2, SidecarKind::Subtitles));
    for upload in [&audio, &words] {
        db.insert_upload(upload, None).await.unwrap();
        assert_eq!(db.upload(upload.id).await.unwrap().as_ref(), Some(upload));
    }
    let refused = async |film: Upload| db.insert_upload(&film, None).await.unwrap_err().code().to_owned();
    assert_eq!(refused(film(3, &[&audio])).await, "SIDECAR_NOT_WHOLE");
    for upload in [&audio, &words] {
        db.advance_upload(upload.id, 100).await.unwrap();
    }
    let other = film(4, &[]);
    db.insert_upload(&other, None).await.unwrap();
    assert_eq!(refused(film(3, &[&other])).await, "SIDECAR_UNKNOWN", "another film");
    assert_eq!(refused(film(3, &[&sidecar(9, SidecarKind::Audio)])).await, "SIDECAR_UNKNOWN", "nothing");
    assert_eq!(refused(film(3, &[&audio, &audio])).await, "SIDECAR_TAKEN", "twice");
    let ours = film(3, &[&words, &audio]);
    assert_eq!(db.insert_upload(&ours, None).await.unwrap(), Written::New(()));
    assert_eq!(db.upload(ours.id).await.unwrap(), Some(ours.clone()));
    assert_eq!(refused(film(5, &[&audio])).await, "SIDECAR_TAKEN", "while the film is on its way");
    assert!(!db.delete_upload(audio.id).await.unwrap() && db.upload(audio.id).await.unwrap().is_some());

    let job = job(6);
    db.complete_upload(ours.id, &job).await.unwrap();
    for upload in [&audio, &words, &ours] {
        assert_eq!(db.upload(upload.id).await.unwrap().unwrap().job_id, Some(job.id));
    }
    assert_eq!(db.open_uploads().await.unwrap(), std::slice::from_ref(&other));
    assert_eq!(refused(film(5, &[&audio])).await, "SIDECAR_TAKEN", "and ever after");

    let more = sidecar(7, SidecarKind::Subtitles);
    db.insert_upload(&more, None).await.unwrap();
    db.advance_upload(more.id, 100).await.unwrap();
    let theirs = film(8, &[&more]);
    db.insert_upload(&theirs, None).await.unwrap();
    let beside = async |films: &[UploadId]| -> Vec<UploadId> {
        db.beside(films).await.unwrap().iter().map(|upload| upload.id).collect()
    };
    assert_eq!(beside(&[theirs.id, other.id, ours.id]).await, [more.id, words.id, audio.id]);
    assert_eq!(beside(&[other.id, UploadId::new(later(9))]).await, []);
    assert_eq!(beside(&[]).await, []);
}

pub async fn a_job_is_claimed_oldest_first_and_lost_with_its_lease(backend: &impl Backend) {
    let db = backend.open().await;
    let (old, young) = (job(1), job(2));
    db.insert_job(&young).await.unwrap();
    db.insert_job(&old).await.unwrap();
    assert_eq!(db.jobs(&Page { after: None, limit: 9 }).await.unwrap(), [young.clone(), old.clone()]);
    let running = Job { state: JobState::Running, ..old.clone() };
    assert_eq!(db.claim_job("a", NOW, TTL).await.unwrap(), Some(running.clone()));
    assert_eq!(db.claim_job("a", NOW, TTL).await.unwrap().unwrap().id, young.id);
    assert_eq!(db.claim_job("a", later(99), TTL).await.unwrap(), None);
    let source = SourceSummary {
        name: "film.mov".into(),
        container: "mp4".into(),
        duration_ms: None,
        size_bytes: 9,
        tracks: Vec::new(),
    };
    let stage = JobStage {
        name: StageName::Encoding,
        speed_milli: Some(2500),
        eta_s: Some(60),
        source: Some(source),
        playable: None,
    };
    let progress = JobProgress { permille: 500, stage: Some(stage) };
    assert!(db.renew_job(young.id, "a", &progress, later(1000)).await.unwrap());
    assert!(!db.renew_job(young.id, "b", &JobProgress::default(), later(1000)).await.unwrap());
    assert_eq!(db.job(young.id).await.unwrap().unwrap().progress, progress);
    // The lease of the old one has run out; another node takes it over.
    assert_eq!(db.claim_job("b", later(100), TTL).await.unwrap(), Some(running));
    assert_eq!(db.claim_job("b", later(100), TTL).await.unwrap(), None);
    assert!(!db.renew_job(old.id, "a", &progress, later(1000)).await.unwrap());
    let outcome = JobOutcome::Done { asset_id: AssetId::new(NOW) };
    assert!(!db.finish_job(old.id, "a", &outcome, NOW).await.unwrap(), "it is b's now");
    assert!(db.finish_job(old.id, "b", &outcome, NOW).await.unwrap());
}

pub async fn a_job_ends_once_and_keeps_its_outcome(backend: &impl Backend) {
    let db = backend.open().await;
    let outcomes = [
        JobOutcome::Done { asset_id: AssetId::new(NOW) },
        JobOutcome::Failed { code: "INPUT_NOT_A_FILM".into(), message: "No video track.".into() },
    ];
    for outcome in outcomes {
        let job = job(1);
        db.insert_job(&job).await.unwrap();
        assert!(!db.finish_job(job.id, "a", &outcome, NOW).await.unwrap(), "it does not run");
        db.claim_job("a", NOW, TTL).await.unwrap().unwrap();
        assert!(db.finish_job(job.id, "a", &outcome, later(5)).await.unwrap());
        assert!(!db.finish_job(job.id, "a", &outcome, later(6)).await.unwrap());
        let ended = db.job(job.id).await.unwrap().unwrap();
        assert_eq!((&ended.state, ended.finished_at), (&JobState::Finished(outcome.clone()), Some(later(5))));
        assert_eq!(db.claim_job("a", later(10_000), TTL).await.unwrap(), None);
    }
}

pub async fn an_asset_is_published_with_the_end_of_its_job_or_not_at_all(backend: &impl Backend) {
    let db = backend.open().await;
    let job = job(1);
    db.insert_job(&job).await.unwrap();
    let asset = Asset {
        id: AssetId::new(NOW),
        source_name: "film.mov".into(),
        duration_ms: 1,
        created_at: NOW,
        details: AssetDetails::default(),
        state: AssetState::Complete,
    };
    db.claim_job("a", NOW, TTL).await.unwrap().unwrap();
    db.claim_job("b", later(100), TTL).await.unwrap().unwrap();
    assert!(!db.publish_asset(job.id, "a", &asset, later(101)).await.unwrap(), "it is b's now");
    assert_eq!(db.asset(asset.id).await.unwrap(), None);
    assert!(db.publish_asset(job.id, "b", &asset, later(102)).await.unwrap());
    assert_eq!(db.asset(asset.id).await.unwrap(), Some(asset.clone()));
    let done = JobState::Finished(JobOutcome::Done { asset_id: asset.id });
    assert_eq!(db.job(job.id).await.unwrap().unwrap().state, done);
    let second = Asset { id: AssetId::new(NOW), ..asset };
    assert!(!db.publish_asset(job.id, "b", &second, later(103)).await.unwrap(), "it is done");
    assert_eq!(db.assets(&Page { after: None, limit: 9 }).await.unwrap().len(), 1);
}

fn partial(job: &Job, fingerprint: &str) -> Asset {
    Asset {
        id: AssetId::of_job(job.id),
        source_name: "film.mov".into(),
        duration_ms: 60_000,
        created_at: NOW,
        details: AssetDetails::default(),
        state: AssetState::Partial { fingerprint: fingerprint.into() },
    }
}

pub async fn an_asset_is_there_in_part_until_its_job_ends(backend: &impl Backend) {
    let db = backend.open().await;
    let (done, failed) = (job(1), job(2));
    for job in [&done, &failed] {
        db.insert_job(job).await.unwrap();
        let part = partial(job, "a");
        assert!(!db.begin_asset(job.id, "a", &part, NOW).await.unwrap(), "it does not run");
        assert_eq!(db.claim_job("a", NOW, TTL).await.unwrap().unwrap().id, job.id);
        assert!(!db.begin_asset(job.id, "b", &part, NOW).await.unwrap(), "it is a's");
        assert!(db.begin_asset(job.id, "a", &part, NOW).await.unwrap());
        assert_eq!(db.asset(part.id).await.unwrap(), Some(part.clone()));
        // The next attempt begins as this one did: nothing is news.
        let changes = db.changes(None, 0).await.unwrap().cursor;
        assert!(db.begin_asset(job.id, "a", &part, later(1)).await.unwrap());
        assert_eq!(db.changes(None, 0).await.unwrap().cursor, changes);
    }
    assert_eq!(db.strays(9).await.unwrap(), [] as [String; 0]);
    let whole = Asset { state: AssetState::Complete, duration_ms: 59_999, ..partial(&done, "a") };
    assert!(db.publish_asset(done.id, "a", &whole, later(2)).await.unwrap());
    assert_eq!(db.asset(whole.id).await.unwrap(), Some(whole));
    let outcome = JobOutcome::Failed { code: "DISK_FULL".into(), message: "Full.".into() };
    let before = db.changes(None, 0).await.unwrap().cursor;
    assert!(db.finish_job(failed.id, "a", &outcome, later(2)).await.unwrap());
    assert_eq!(db.asset(AssetId::of_job(failed.id)).await.unwrap(), None, "no part of it stays");
    assert_eq!(db.changes(Some(before), 9).await.unwrap().changes, [Change::Catalog]);
}

pub async fn what_begins_otherwise_ends_the_sessions_that_saw_the_other_beginning(backend: &impl Backend) {
    let db = backend.open().await;
    let scene = Scene::set(&db).await;
    let grant = scene.paid(&db).await.2;
    let job = job(1);
    db.insert_job(&job).await.unwrap();
    db.claim_job("a", NOW, TTL).await.unwrap().unwrap();
    assert!(db.begin_asset(job.id, "a", &partial(&job, "a"), NOW).await.unwrap());
    let on = |asset_id| PlaybackSession { id: SessionId::new(NOW), asset_id, ..scene.session(&grant) };
    let (seen, other) = (on(AssetId::of_job(job.id)), on(AssetId::new(NOW)));
    for session in [&seen, &other] {
        db.insert_session(session).await.unwrap();
    }
    let before = db.changes(None, 0).await.unwrap().cursor;
    assert!(db.begin_asset(job.id, "a", &partial(&job, "b"), later(7)).await.unwrap());
    assert_eq!(db.asset(seen.asset_id).await.unwrap(), Some(partial(&job, "b")));
    assert_eq!(db.session(seen.id).await.unwrap().unwrap().ended_at, Some(later(7)));
    assert_eq!(db.session(other.id).await.unwrap().unwrap().ended_at, None);
    let changes = db.changes(Some(before), 9).await.unwrap().changes;
    assert_eq!(changes, [Change::Session(seen.id), Change::Catalog]);
}

pub async fn a_card_is_queued_once_until_it_is_made_and_forgotten(backend: &impl Backend) {
    let db = backend.open().await;
    let licence = Licence { kind: LicenceKind::OnlineFiling, number: "V31001572104501".into() };
    let source = CardSource { film: AssetId::new(NOW), licence, name: "雾港孤刀".into() };
    let of = |ms: i64, source: &CardSource| Job { work: JobWork::Card(source.clone()), ..job(ms) };
    let other = CardSource { name: "Another".into(), ..source.clone() };
    let first = of(1, &source);
    assert!(db.queue_card(&first).await.unwrap());
    assert!(!db.queue_card(&of(2, &source)).await.unwrap(), "it is queued");
    assert!(db.queue_card(&of(3, &other)).await.unwrap());
    assert_eq!(db.card_job(&source).await.unwrap(), Some(first.clone()));
    assert_eq!(db.claim_job("a", NOW, TTL).await.unwrap().unwrap().work, first.work);
    assert!(!db.queue_card(&of(4, &source)).await.unwrap(), "it is being made");
    let failed = JobOutcome::Failed { code: "CARD_FONT_MISSING".into(), message: "No font.".into() };
    assert!(db.finish_job(first.id, "a", &failed, later(5)).await.unwrap());
    let again = of(6, &source);
    assert!(db.queue_card(&again).await.unwrap(), "it has failed");
    assert_eq!(db.card_job(&source).await.unwrap().unwrap().id, again.id);

    let other_job = db.claim_job("a", NOW, TTL).await.unwrap().unwrap();
    assert_eq!(db.claim_job("a", NOW, TTL).await.unwrap().unwrap().id, again.id);
    assert_eq!(other_job.work, JobWork::Card(other));
    let details = AssetDetails { card_of: Some(source.clone()), ..AssetDetails::default() };
    let (id, state) = (AssetId::new(later(7)), AssetState::Complete);
    let asset = Asset { id, source_name: "-".into(), duration_ms: 5_005, created_at: later(7), details, state };
    assert!(db.publish_asset(again.id, "a", &asset, later(7)).await.unwrap());
    assert_eq!(db.asset(id).await.unwrap(), Some(asset));
    let card = ReleaseCard { asset_id: id, duration_ms: 5_005 };
    assert_eq!(db.cards().await.unwrap(), [(source.clone(), card)]);
    assert!(!db.queue_card(&of(8, &source)).await.unwrap(), "it is made");

    let cursor = db.changes(None, 0).await.unwrap().cursor;
    db.delete_card(id, later(9)).await.unwrap();
    assert_eq!(db.changes(Some(cursor), 9).await.unwrap().changes, [Change::Catalog]);
    assert_eq!((db.cards().await.unwrap(), db.asset(id).await.unwrap()), (vec![], None));
    assert!(db.queue_card(&of(10, &source)).await.unwrap());
}
