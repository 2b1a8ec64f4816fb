//! Release plans exchanged with partners and distributors, as MovieLabs Avails documents.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::body::{Id, QueryOf, read_all, require_type};
use crate::api::caller::AnOperator;
use crate::api::problem::Problem;
use crate::api::role::Editor;
use crate::base::clock::UtcMs;
use crate::base::error::Error;
use crate::base::id::TitleId;
use crate::base::limits;
use crate::operator::Operators;
use crate::operator::avails::title_not_found;
use crate::operator::plans::{self, ChangedPlanBody};
use crate::rights::avails_document::{self, Asked, EntryKind, Note};
use crate::rights::plan::{self, PlanChange};
use crate::rights::snapshot::TitleRights;
use crate::store::db::catalog::Run;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ImportQuery {
    /// The title that a document of one Avail is about, where it names it by an id of its own.
    title_id: Option<TitleId>,
    /// Say what would come of it, and write nothing.
    #[serde(default)]
    dry_run: bool,
}

/// What came of a document, or would.
#[derive(Serialize, ToSchema)]
#[schema(as = ImportedAvails)]
pub struct ImportedBody {
    /// Title by title, those without a change left out.
    changes: Vec<ChangedPlanBody>,
    /// How many windows stay as they are.
    unchanged: usize,
    /// What the document says and is not kept.
    notes: Vec<NoteBody>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = AvailsNote)]
pub struct NoteBody {
    /// Where in the document: `Avail[1]/Transaction[2]/Term[SRP]`.
    path: String,
    says: String,
}

/// The windows of a title as an Avails document (v2.7): a `Full Extract`.
#[utoipa::path(get, path = "/operator/titles/{id}/avails.xml", tag = "operator", operation_id = "operator_export_avails",
    params(("id" = TitleId, Path)), security(("bearer" = [])), responses(
    (status = 200, description = "The document", content_type = "application/xml", body = String),
    (status = 404, description = "TITLE_NOT_FOUND"),
    (status = 409, description = "AVAILS_EMPTY: a document has at least one window"),
))]
pub async fn export(
    State(operators): State<Arc<Operators>>,
    _: AnOperator,
    Id(title_id): Id<TitleId>,
) -> Result<Response, Problem> {
    let api = &operators.api;
    let title = api.db.rights_of(title_id).await?.ok_or_else(title_not_found)?;
    if title.avails.is_empty() {
        let detail = "The title has no window; a document has at least one.";
        return Err(Problem::new(StatusCode::CONFLICT, "AVAILS_EMPTY", detail));
    }
    let snapshot = api.follower.snapshot();
    let storefront = snapshot.storefronts().all().iter().find(|storefront| storefront.is_default);
    let name = storefront.and_then(|storefront| storefront.name.get("en").or_else(|| storefront.name.values().next()));
    let document = avails_document::write(&title, name.map_or("Marquee", String::as_str), api.clock.now())?;
    let headers = [
        (header::CONTENT_TYPE, "application/xml".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"avails-{title_id}.xml\"")),
    ];
    Ok((headers, document).into_response())
}

/// Take over an Avails document (v2.4 to v2.7): all of its titles, or none. A `Full Extract` is the whole plan of its title: what
/// it does not name is taken away.
#[utoipa::path(post, path = "/operator/avails/import", tag = "operator", operation_id = "operator_import_avails",
    params(ImportQuery), request_body(content = String, content_type = "application/xml"), security(("bearer" = [])),
    responses(
    (status = 200, description = "What has changed, or with `dry_run` would", body = ImportedBody),
    (status = 404, description = "AVAIL_NOT_FOUND of a window that the document updates or deletes"),
    (status = 409, description = "AVAIL_CONFLICT, with at most 100 `conflicts`; AVAIL_IN_USE, AVAIL_KIND_FIXED"),
    (status = 415, description = "CONTENT_TYPE_UNSUPPORTED"),
    (status = 422, description = "AVAILS_INVALID, AVAILS_UNSUPPORTED, AVAILS_TITLE_UNKNOWN, with where in `param`"),
))]
pub async fn import(
    State(operators): State<Arc<Operators>>,
    operator: Editor,
    QueryOf(query): QueryOf<ImportQuery>,
    request: Request,
) -> Result<Json<ImportedBody>, Problem> {
    let document = read_document(request).await?;
    let (mut notes, now) = (Vec::new(), operators.api.clock.now());
    // A large document takes longer than a thread that answers may be kept.
    let reading = tokio::task::spawn_blocking(move || avails_document::read(&document));
    let read = reading.await.map_err(|error| Error::internal("reading an Avails document").with_source(error))??;
    let mut entries: BTreeMap<TitleId, Vec<Asked>> = BTreeMap::new();
    let is_alone = read.len() == 1;
    for mut entry in read {
        let title_id = title_of(&entry, query.title_id, is_alone)?;
        notes.append(&mut entry.notes);
        entries.entry(title_id).or_default().push(entry);
    }
    let (mut changes, mut unchanged) = (Vec::new(), 0);
    for (title_id, entries) in entries {
        let title = operators.api.db.rights_of(title_id).await?;
        let title = title.ok_or_else(|| unknown(&entries[0], "There is no such title."))?;
        let change = change_of(&title, entries, now)?;
        let is_touched = |id| change.gone_avails.contains(&id) || change.writes(id);
        unchanged += title.avails.iter().filter(|avail| !is_touched(avail.id)).count();
        if !change.is_empty() {
            changes.push(change);
        }
    }
    let run = if query.dry_run { Run::Dry } else { Run::Real };
    let changes = plans::apply(&operators, &operator, "avail.import", changes, run).await?;
    let notes = notes.into_iter().map(|Note { path, says }| NoteBody { path, says }).collect();
    Ok(Json(ImportedBody { changes, unchanged, notes }))
}

async fn read_document(request: Request<Body>) -> Result<String, Problem> {
    let (parts, body) = request.into_parts();
    let detail = "Send the document with Content-Type: application/xml.";
    require_type(&parts.headers, &["application/xml", "text/xml"], detail)?;
    let bytes = read_all(body, limits::AVAILS_DOCUMENT_BYTES_MAX).await?;
    String::from_utf8(bytes.into())
        .map_err(|_| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "AVAILS_INVALID", "The document is not in UTF-8."))
}

/// By our own id in the document, or by what the operator says of a document of one Avail.
fn title_of(entry: &Asked, said: Option<TitleId>, is_alone: bool) -> Result<TitleId, Problem> {
    match (entry.title_id, said) {
        (Some(named), Some(said)) if named != said => {
            Err(unknown(entry, "The document names another title than `title_id`."))
        }
        (Some(named), _) => Ok(named),
        (None, Some(said)) if is_alone => Ok(said),
        (None, _) => Err(unknown(
            entry,
            "The document names no title of ours; send its Avails one by one, each with `title_id`.",
        )),
    }
}

fn unknown(entry: &Asked, says: &str) -> Problem {
    let detail = format!("{}, {}: {says}", entry.path, entry.alid);
    let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "AVAILS_TITLE_UNKNOWN", &detail);
    problem.with_param(format!("{}/ALID", entry.path))
}

/// What the entries of one title come to.
fn change_of(title: &TitleRights, entries: Vec<Asked>, now: UtcMs) -> Result<PlanChange, Problem> {
    let title_id = title.title.id;
    let is_whole = |entry: &Asked| matches!(entry.kind, EntryKind::FullExtract | EntryKind::FullDelete);
    let is_other =
        |entry: &&Asked| is_whole(entry) != is_whole(&entries[0]) || (is_whole(entry) && entry.kind != entries[0].kind);
    if let Some(other) = entries.iter().find(is_other) {
        let detail =
            format!("{}: of one title there is either the whole plan, or none of it, or changes of it.", other.path);
        return Err(invalid(&detail, format!("{}/Disposition/EntryType", other.path)));
    }
    if is_whole(&entries[0]) {
        let extracts = entries.into_iter().filter(|entry| entry.kind == EntryKind::FullExtract);
        let wanted = extracts.flat_map(|entry| entry.wanted).collect();
        return Ok(plan::toward(title_id, &title.avails, wanted, now));
    }
    let (mut change, mut seen) = (PlanChange::of(title_id), HashSet::new());
    for Asked { path, kind, wanted, .. } in entries {
        for (n, wanted) in wanted.into_iter().enumerate() {
            let path = format!("{path}/Transaction[{}]/@TransactionID", n + 1);
            let id = wanted.id.filter(|_| kind != EntryKind::Create);
            if id.is_some_and(|id| !seen.insert(id)) {
                return Err(invalid(&format!("{path}: the window is named twice."), path));
            }
            match (kind, id.map(|id| (id, title.avail(id)))) {
                (_, Some((id, None))) => {
                    let detail = format!("{path}: there is no window {id} of this title.");
                    return Err(Problem::new(StatusCode::NOT_FOUND, "AVAIL_NOT_FOUND", &detail).with_param(path));
                }
                (EntryKind::Delete, Some((id, Some(_)))) => change.gone_avails.push(id),
                (_, Some((_, Some(avail)))) => change.edited_avails.push(wanted.instead_of(avail)),
                (_, None) => change.new_avails.push(plan::new_avail(wanted, title_id, now)),
            }
        }
    }
    change.edited_avails.retain(|avail| title.avail(avail.id) != Some(avail));
    Ok(change)
}

fn invalid(detail: &str, path: String) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "AVAILS_INVALID", detail).with_param(path)
}
