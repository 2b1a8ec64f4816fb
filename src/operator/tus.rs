//! Resumable uploads: tus 1.0.0 with creation, termination and expiration (<https://tus.io/protocols/resumable-upload>).
//! When an upload is whole its packaging job is named in `Marquee-Job`.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{FromRequestParts, State};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::header::{HeaderName, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, StatusCode, header};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::api::BASE;
use crate::api::body::{Id, QueryOf};
use crate::api::caller::AnOperator;
use crate::api::idempotency::{IdempotencyKey, digest, key_reused};
use crate::api::page::{List, PageQuery};
use crate::api::problem::Problem;
use crate::api::role::Editor;
use crate::base::clock::UtcMs;
use crate::base::id::UploadId;
use crate::base::limits;
use crate::operator::Operators;
use crate::operator::uploads::{AppendRefusal, Uploads};
use crate::packager::job::is_language_tag;
use crate::store::db::Written;
use crate::store::db::job::{Sidecar, SidecarKind, Upload, UploadRole};

const VERSION: &str = "1.0.0";
const EXTENSIONS: &str = "creation,termination,expiration";
const TUS_RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
const UPLOAD_LENGTH: &str = "upload-length";
const UPLOAD_METADATA: &str = "upload-metadata";
const UPLOAD_OFFSET: &str = "upload-offset";
const FILE_NAME_DEFAULT: &str = "film";

/// A request in the one version there is; anything else is told which that is, with 412.
pub struct Tus;

impl<S: Sync> FromRequestParts<S> for Tus {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Tus, Problem> {
        if parts.headers.get(TUS_RESUMABLE).is_some_and(|version| version == VERSION) {
            return Ok(Tus);
        }
        let detail = "Send Tus-Resumable: 1.0.0.";
        Err(Problem::new(StatusCode::PRECONDITION_FAILED, "TUS_VERSION_UNSUPPORTED", detail)
            .with_param("Tus-Resumable")
            .with_header(HeaderName::from_static("tus-version"), HeaderValue::from_static(VERSION)))
    }
}

/// What uploads can do here.
#[utoipa::path(options, path = "/operator/uploads", tag = "uploads", operation_id = "operator_discover_uploads", responses(
    (status = 204, description = "`Tus-Version`, `Tus-Extension`, `Tus-Max-Size`"),
))]
pub async fn discover() -> Response {
    let headers = [
        ("tus-resumable", VERSION.to_owned()),
        ("tus-version", VERSION.to_owned()),
        ("tus-extension", EXTENSIONS.to_owned()),
        ("tus-max-size", limits::UPLOAD_BYTES_MAX.to_string()),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}

/// A file on its way in.
#[derive(Serialize, ToSchema)]
#[schema(as = Upload)]
pub struct UploadBody {
    id: UploadId,
    file_name: String,
    kind: UploadKind,
    /// Of sound and subtitles.
    language: Option<String>,
    /// Of a film: the uploads of the files beside it.
    beside: Vec<UploadId>,
    /// Bytes of the whole file.
    length: u64,
    /// Bytes that have arrived: where to go on.
    received: u64,
    created_at: UtcMs,
    /// When it is thrown away unless it is whole.
    expires_at: UtcMs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum UploadKind {
    /// It is packaged when it is whole.
    Film,
    Audio,
    Subtitles,
}

/// Uploads on their way, oldest first: what is not whole, and files that wait for the film that names them.
#[utoipa::path(get, path = "/operator/uploads", tag = "uploads", operation_id = "operator_list_uploads",
    params(PageQuery), security(("bearer" = [])), responses(
    (status = 200, description = "A page of uploads", body = List<UploadBody>),
))]
pub async fn list(
    State(operators): State<Arc<Operators>>,
    _: AnOperator,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<List<UploadBody>>, Problem> {
    let now = operators.api.clock.now();
    let mut open = operators.api.db.open_uploads().await?;
    open.retain(|upload| now < Uploads::expires_at(upload));
    query.cut(open, |upload: &Upload| upload.id.to_string(), UploadBody::new)
}

impl UploadBody {
    fn new(upload: Upload) -> UploadBody {
        let (kind, language, beside) = match &upload.role {
            UploadRole::Film { beside } => (UploadKind::Film, None, beside.clone()),
            UploadRole::Sidecar(Sidecar { kind, language }) => {
                (UploadKind::from(*kind), Some(language.clone()), vec![])
            }
        };
        UploadBody {
            id: upload.id,
            kind,
            language,
            beside,
            expires_at: Uploads::expires_at(&upload),
            file_name: upload.file_name,
            length: upload.length_bytes,
            received: upload.received_bytes,
            created_at: upload.created_at,
        }
    }
}

impl From<SidecarKind> for UploadKind {
    fn from(kind: SidecarKind) -> UploadKind {
        match kind {
            SidecarKind::Audio => UploadKind::Audio,
            SidecarKind::Subtitles => UploadKind::Subtitles,
        }
    }
}

/// Open an upload; its URL is in `Location`.
#[utoipa::path(post, path = "/operator/uploads", tag = "uploads", operation_id = "operator_create_upload", params(
    ("Tus-Resumable" = String, Header), ("Upload-Length" = u64, Header, description = "Bytes of the whole file"),
    ("Upload-Metadata" = Option<String>, Header, description = "Pairs of a key and its value in base64: \
        `filename`; `kind` (`film` unless it is given, `audio`, `subtitles`); `language` of sound and subtitles; `beside`, of a \
        film, the ids of whole uploads of sound and subtitles, separated by spaces"),
), security(("bearer" = [])), responses(
    (status = 201, description = "The upload is open; `Location` and `Upload-Expires`"),
    (status = 400, description = "UPLOAD_LENGTH_INVALID, UPLOAD_METADATA_INVALID"),
    (status = 412, description = "TUS_VERSION_UNSUPPORTED"),
    (status = 409, description = "SIDECAR_NOT_WHOLE, SIDECAR_TAKEN"),
    (status = 413, description = "UPLOAD_TOO_LARGE"),
    (status = 422, description = "IDEMPOTENCY_KEY_REUSED, SIDECAR_UNKNOWN, SIDECARS_TOO_MANY"),
))]
pub async fn create(
    State(operators): State<Arc<Operators>>,
    operator: Editor,
    _: Tus,
    key: IdempotencyKey,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let length_bytes = number(&headers, UPLOAD_LENGTH).filter(|length| *length > 0).ok_or_else(|| {
        invalid("UPLOAD_LENGTH_INVALID", "Upload-Length", "Send Upload-Length: the bytes of the whole file.")
    })?;
    let metadata = headers.get(UPLOAD_METADATA).map(HeaderValue::as_bytes).unwrap_or_default();
    let described =
        Described::read(metadata).map_err(|detail| invalid("UPLOAD_METADATA_INVALID", "Upload-Metadata", detail))?;
    let bytes_max = described.bytes_max();
    if length_bytes > bytes_max {
        let detail = format!("Such a file has at most {bytes_max} bytes.");
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "UPLOAD_TOO_LARGE", detail).with_param("Upload-Length"));
    }
    let request_digest = digest(&[b"POST /operator/uploads", &length_bytes.to_be_bytes(), metadata]);
    let idempotency = key.of(&operator.caller, &request_digest);
    let upload = match operators
        .uploads
        .create(described.file_name, length_bytes, described.role, idempotency.as_ref())
        .await?
    {
        Written::New(upload) => {
            let detail = json!({"file_name": upload.file_name, "length_bytes": length_bytes});
            operators.audit(&operator, "upload.create", &upload.id.to_string(), detail).await?;
            upload
        }
        Written::Replay { id } => {
            let earlier = operators.api.db.upload(id.parse()?).await?;
            earlier.ok_or_else(not_found)?
        }
        Written::KeyReused => return Err(key_reused()),
    };
    let location = format!("{BASE}/operator/uploads/{}", upload.id);
    let mut response = (StatusCode::CREATED, [(header::LOCATION, location)]).into_response();
    describe(&upload, response.headers_mut());
    Ok(response)
}

/// How much has arrived.
#[utoipa::path(head, path = "/operator/uploads/{id}", tag = "uploads", operation_id = "operator_show_upload",
    params(("id" = UploadId, Path), ("Tus-Resumable" = String, Header)), security(("bearer" = [])), responses(
    (status = 204, description = "`Upload-Offset`, `Upload-Length`; `Marquee-Job` once it is whole"),
    (status = 404, description = "UPLOAD_NOT_FOUND"),
    (status = 412, description = "TUS_VERSION_UNSUPPORTED"),
))]
pub async fn progress(
    State(operators): State<Arc<Operators>>,
    _: AnOperator,
    _: Tus,
    Id(id): Id<UploadId>,
) -> Result<Response, Problem> {
    let upload = operators.uploads.find(id).await?.ok_or_else(not_found)?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    describe(&upload, response.headers_mut());
    Ok(response)
}

/// Append bytes at the offset that the upload has reached.
#[utoipa::path(patch, path = "/operator/uploads/{id}", tag = "uploads", operation_id = "operator_append_upload", params(
    ("id" = UploadId, Path), ("Tus-Resumable" = String, Header), ("Upload-Offset" = u64, Header),
), request_body(content_type = "application/offset+octet-stream", content = Vec<u8>), security(("bearer" = [])), responses(
    (status = 204, description = "`Upload-Offset` is the new one; `Marquee-Job` once the upload is whole"),
    (status = 400, description = "UPLOAD_OFFSET_INVALID, BODY_INCOMPLETE"),
    (status = 404, description = "UPLOAD_NOT_FOUND"),
    (status = 409, description = "UPLOAD_OFFSET_CONFLICT, with `Upload-Offset`"),
    (status = 412, description = "TUS_VERSION_UNSUPPORTED"),
    (status = 413, description = "UPLOAD_TOO_LONG"),
    (status = 415, description = "CONTENT_TYPE_UNSUPPORTED"),
    (status = 423, description = "UPLOAD_LOCKED"),
))]
pub async fn append(
    State(operators): State<Arc<Operators>>,
    operator: Editor,
    _: Tus,
    Id(id): Id<UploadId>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    if headers.get(header::CONTENT_TYPE).is_none_or(|kind| kind != "application/offset+octet-stream") {
        let detail = "Send the bytes with Content-Type: application/offset+octet-stream.";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "CONTENT_TYPE_UNSUPPORTED", detail)
            .with_param("Content-Type"));
    }
    let offset = number(&headers, UPLOAD_OFFSET).ok_or_else(|| {
        invalid("UPLOAD_OFFSET_INVALID", "Upload-Offset", "Send Upload-Offset: where these bytes belong.")
    })?;
    let before = operators.uploads.find(id).await?.ok_or_else(not_found)?;
    // What is declared to be too long is refused before a byte is read.
    let declared = number(&headers, header::CONTENT_LENGTH.as_str()).unwrap_or(0);
    if offset == before.received_bytes && declared > before.length_bytes - before.received_bytes {
        return Err(refused(AppendRefusal::TooLong));
    }
    let upload = operators.uploads.append(id, offset, body.into_data_stream()).await?.map_err(refused)?;
    if before.job_id.is_none() && upload.job_id.is_some() {
        operators.audit(&operator, "upload.complete", &id.to_string(), json!({"job_id": upload.job_id})).await?;
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    describe(&upload, response.headers_mut());
    Ok(response)
}

/// Throw an upload away.
#[utoipa::path(delete, path = "/operator/uploads/{id}", tag = "uploads", operation_id = "operator_delete_upload",
    params(("id" = UploadId, Path), ("Tus-Resumable" = String, Header)), security(("bearer" = [])), responses(
    (status = 204, description = "It is gone"),
    (status = 404, description = "UPLOAD_NOT_FOUND, also of one that has become a job"),
    (status = 409, description = "UPLOAD_BESIDE_FILM: delete the film's upload first"),
    (status = 412, description = "TUS_VERSION_UNSUPPORTED"),
    (status = 423, description = "UPLOAD_LOCKED"),
))]
pub async fn terminate(
    State(operators): State<Arc<Operators>>,
    operator: Editor,
    _: Tus,
    Id(id): Id<UploadId>,
) -> Result<Response, Problem> {
    operators.uploads.delete(id).await?.map_err(refused)?;
    operators.audit(&operator, "upload.delete", &id.to_string(), json!({})).await?;
    Ok((StatusCode::NO_CONTENT, [(TUS_RESUMABLE, VERSION)]).into_response())
}

/// The headers that say how an upload stands.
fn describe(upload: &Upload, headers: &mut HeaderMap) {
    headers.insert(TUS_RESUMABLE, HeaderValue::from_static(VERSION));
    headers.insert(UPLOAD_OFFSET, HeaderValue::from(upload.received_bytes));
    headers.insert(UPLOAD_LENGTH, HeaderValue::from(upload.length_bytes));
    let text = match upload.job_id {
        Some(job_id) => ("marquee-job", Some(job_id.to_string())),
        None => ("upload-expires", http_date(upload)),
    };
    if let (name, Some(text)) = text
        && let Ok(value) = HeaderValue::try_from(text)
    {
        headers.insert(name, value);
    }
}

fn http_date(upload: &Upload) -> Option<String> {
    let expires = jiff::Timestamp::from_millisecond(Uploads::expires_at(upload).0).ok()?;
    Some(expires.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string())
}

fn refused(refusal: AppendRefusal) -> Problem {
    match refusal {
        AppendRefusal::NotFound => not_found(),
        AppendRefusal::Busy => {
            Problem::new(StatusCode::LOCKED, "UPLOAD_LOCKED", "Another request is at this upload. Try again shortly.")
        }
        AppendRefusal::WrongOffset { received_bytes } => Problem::new(
            StatusCode::CONFLICT,
            "UPLOAD_OFFSET_CONFLICT",
            format!("{received_bytes} bytes have arrived. Go on from there."),
        )
        .with_param("Upload-Offset")
        .with_header(HeaderName::from_static(UPLOAD_OFFSET), HeaderValue::from(received_bytes)),
        AppendRefusal::BesideFilm => {
            let detail = "A film that is on its way has this file beside it. Delete the film's upload first.";
            Problem::new(StatusCode::CONFLICT, "UPLOAD_BESIDE_FILM", detail)
        }
        AppendRefusal::TooLong => {
            let detail = "These bytes go beyond the Upload-Length that was declared.";
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "UPLOAD_TOO_LONG", detail)
        }
    }
    .with_header(TUS_RESUMABLE, HeaderValue::from_static(VERSION))
}

fn not_found() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "UPLOAD_NOT_FOUND", "There is no such upload.")
}

fn invalid(code: &str, param: &str, detail: &str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, code, detail).with_param(param)
}

fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    let text = headers.get(name)?.to_str().ok()?;
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// What the metadata of an upload say.
struct Described {
    file_name: String,
    role: UploadRole,
}

impl Described {
    /// The error says what is wrong with them.
    fn read(metadata: &[u8]) -> Result<Described, &'static str> {
        const FORM: &str = "Upload-Metadata holds keys and base64 values.";
        let metadata = std::str::from_utf8(metadata).map_err(|_| FORM)?;
        let (mut file_name, mut kind, mut language, mut beside) = (String::new(), String::new(), None, Vec::new());
        for pair in metadata.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once(' ').unwrap_or((pair, ""));
            let value = BASE64_STANDARD.decode(value.trim()).map_err(|_| FORM)?;
            let text = || String::from_utf8(value).map_err(|_| FORM);
            match key {
                "filename" => file_name = base_name(&text()?),
                "kind" => kind = text()?,
                "language" => language = Some(text()?),
                "beside" => {
                    let ids = text()?;
                    let ids = ids.split_whitespace().map(str::parse).collect::<Result<Vec<UploadId>, _>>();
                    beside = ids.map_err(|_| "beside holds ids of uploads, separated by spaces.")?;
                }
                _ => {}
            }
        }
        if file_name.is_empty() {
            FILE_NAME_DEFAULT.clone_into(&mut file_name);
        }
        let kind = match kind.as_str() {
            "" | "film" => None,
            "audio" => Some(SidecarKind::Audio),
            "subtitles" => Some(SidecarKind::Subtitles),
            _ => return Err("kind is film, audio or subtitles."),
        };
        let role = match (kind, language) {
            (None, None) => UploadRole::Film { beside },
            (None, Some(_)) => return Err("A film says its languages itself; leave out language."),
            (Some(_), _) if !beside.is_empty() => return Err("Only a film has files beside it."),
            (Some(kind), Some(language)) if is_language_tag(&language) => {
                UploadRole::Sidecar(Sidecar { kind, language })
            }
            (Some(_), _) => return Err("Sound and subtitles need a language such as zh, zh-Hans or en."),
        };
        Ok(Described { file_name, role })
    }

    fn bytes_max(&self) -> u64 {
        match &self.role {
            UploadRole::Sidecar(Sidecar { kind: SidecarKind::Subtitles, .. }) => limits::TEXT_FILE_BYTES_MAX,
            UploadRole::Film { .. } | UploadRole::Sidecar(_) => limits::UPLOAD_BYTES_MAX,
        }
    }
}

/// A file's own name, without any path.
fn base_name(path: &str) -> String {
    let name = path.rsplit(['/', '\\']).next().unwrap_or_default();
    name.chars().filter(|character| !character.is_control()).take(limits::NAME_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(pairs: &[(&str, &str)]) -> Result<Described, &'static str> {
        let pairs = pairs.iter().map(|(key, value)| format!("{key} {}", BASE64_STANDARD.encode(value)));
        Described::read(pairs.collect::<Vec<_>>().join(",").as_bytes())
    }

    #[test]
    fn a_file_name_is_read_from_the_metadata_without_its_path() {
        let name = |name: &str| described(&[("filetype", "video/mp4"), ("filename", name)]).unwrap().file_name;
        assert_eq!(name("大雄兔.mp4"), "大雄兔.mp4");
        assert_eq!(name("../../etc/passwd"), "passwd");
        assert_eq!(name("C:\\films\\a\u{0}.mkv"), "a.mkv");
        assert_eq!(name("folder/"), "film");
        let read = |metadata: &[u8]| Described::read(metadata).map(|described| described.file_name);
        assert_eq!(read(b""), Ok("film".to_owned()));
        assert_eq!(read(b"is_confidential"), Ok("film".to_owned()));
        assert!(read(b"filename ***").is_err());
    }

    #[test]
    fn what_a_file_is_for_is_read_from_the_metadata() {
        let role = |pairs: &[(&str, &str)]| described(pairs).map(|described| described.role);
        let sidecar = |kind, language: &str| Ok(UploadRole::Sidecar(Sidecar { kind, language: language.to_owned() }));
        let (one, other) = (UploadId::new(UtcMs(1)), UploadId::new(UtcMs(2)));
        assert_eq!(role(&[]), Ok(UploadRole::Film { beside: vec![] }));
        let beside = format!("{one} {other}");
        assert_eq!(role(&[("kind", "film"), ("beside", &beside)]), Ok(UploadRole::Film { beside: vec![one, other] }));
        assert_eq!(role(&[("kind", "audio"), ("language", "fr")]), sidecar(SidecarKind::Audio, "fr"));
        assert_eq!(role(&[("kind", "subtitles"), ("language", "zh-Hans")]), sidecar(SidecarKind::Subtitles, "zh-Hans"));
        for wrong in [
            &[("kind", "video")][..],
            &[("kind", "audio")],
            &[("kind", "audio"), ("language", "und")],
            &[("kind", "subtitles"), ("language", "fr"), ("beside", &beside)],
            &[("language", "fr")],
            &[("beside", "ast_1")],
        ] {
            assert!(role(wrong).is_err(), "{wrong:?}");
        }
    }
}
