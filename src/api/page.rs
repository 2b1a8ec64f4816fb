//! Pages of lists: `?limit=&cursor=` in, `{"data":[…],"next_cursor":…}` out. A cursor is opaque: the id of the last row
//! in base64url.

use axum::Json;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::problem::Problem;
use crate::base::limits;
use crate::store::db::Page;

/// What a caller asks of a list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// Rows on the page, 50 if not said.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// A page.
#[derive(Serialize, ToSchema)]
pub struct List<T> {
    pub data: Vec<T>,
    /// Where to go on; null on the last page.
    pub next_cursor: Option<String>,
}

impl PageQuery {
    /// The rows to read: one more than is shown, to know whether there is another page.
    pub fn page(&self) -> Result<Page, Problem> {
        Ok(Page { after: self.after()?, limit: self.limit()? + 1 })
    }

    /// The page of rows that were read with [`PageQuery::page`].
    pub fn list<R, T>(
        &self,
        rows: Vec<R>,
        id: impl Fn(&R) -> String,
        show: impl Fn(R) -> T,
    ) -> Result<Json<List<T>>, Problem> {
        let limit = self.limit()? as usize;
        let next_cursor = (rows.len() > limit).then(|| rows.get(limit - 1)).flatten();
        let next_cursor = next_cursor.map(|row| BASE64_URL_SAFE_NO_PAD.encode(id(row)));
        Ok(Json(List { data: rows.into_iter().take(limit).map(show).collect(), next_cursor }))
    }

    /// The page of a list that is in memory anyway, in whatever order it has.
    pub fn cut<R, T>(
        &self,
        rows: Vec<R>,
        id: impl Fn(&R) -> String,
        show: impl Fn(R) -> T,
    ) -> Result<Json<List<T>>, Problem> {
        let page = self.page()?;
        let start = match &page.after {
            None => 0,
            Some(after) => rows.iter().position(|row| id(row) == *after).ok_or_else(cursor_invalid)? + 1,
        };
        let rows = rows.into_iter().skip(start).take(page.limit as usize).collect();
        self.list(rows, id, show)
    }

    /// The page of a list that is in memory and sorted by place: the rows after the place that the cursor names, whether
    /// or not anything is there any more.
    pub fn cut_after<R, P: Ord + ToString, T>(
        &self,
        rows: Vec<R>,
        parse: impl Fn(&str) -> Option<P>,
        place: impl Fn(&R) -> &P,
        show: impl Fn(R) -> T,
    ) -> Result<Json<List<T>>, Problem> {
        let page = self.page()?;
        let start = match &page.after {
            None => 0,
            Some(after) => {
                let after = parse(after).ok_or_else(cursor_invalid)?;
                rows.partition_point(|row| *place(row) <= after)
            }
        };
        let rows = rows.into_iter().skip(start).take(page.limit as usize).collect();
        self.list(rows, |row| place(row).to_string(), show)
    }

    fn limit(&self) -> Result<u32, Problem> {
        let limit = self.limit.unwrap_or(limits::PAGE_ROWS_DEFAULT);
        if (1..=limits::PAGE_ROWS_MAX).contains(&limit) {
            return Ok(limit);
        }
        let detail = format!("A page has 1 to {} rows.", limits::PAGE_ROWS_MAX);
        Err(Problem::new(StatusCode::BAD_REQUEST, "LIMIT_INVALID", detail).with_param("limit"))
    }

    fn after(&self) -> Result<Option<String>, Problem> {
        let Some(cursor) = &self.cursor else { return Ok(None) };
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(cursor).map_err(|_| cursor_invalid())?;
        // An id is short and printable; anything else was not made here.
        let id =
            String::from_utf8(bytes).ok().filter(|id| id.len() <= 64 && id.bytes().all(|byte| byte.is_ascii_graphic()));
        id.map(Some).ok_or_else(cursor_invalid)
    }
}

/// The refusal of a cursor that was not given out.
pub fn cursor_invalid() -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "CURSOR_INVALID", "The cursor is not one of this list.").with_param("cursor")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_each_other_to_the_end() {
        let rows: Vec<String> = (0..5).map(|row| format!("row_{row}")).collect();
        let mut query = PageQuery { limit: Some(2), cursor: None };
        let mut seen = Vec::new();
        for pages in 1.. {
            let Json(list) = query.cut(rows.clone(), Clone::clone, |row| row).unwrap();
            seen.extend(list.data);
            query.cursor = list.next_cursor;
            if query.cursor.is_none() {
                assert_eq!(pages, 3);
                break;
            }
        }
        assert_eq!(seen, rows);
    }

    #[test]
    fn a_limit_out_of_bounds_and_a_foreign_cursor_are_refused() {
        let refused = |limit, cursor: Option<&str>| {
            let query = PageQuery { limit, cursor: cursor.map(str::to_owned) };
            query.cut(vec![1], |_| "row_1".into(), |row| row).err().unwrap().code().to_owned()
        };
        assert_eq!(refused(Some(0), None), "LIMIT_INVALID");
        assert_eq!(refused(Some(201), None), "LIMIT_INVALID");
        assert_eq!(refused(None, Some("!")), "CURSOR_INVALID");
        assert_eq!(refused(None, Some("cm93Xzk")), "CURSOR_INVALID");
    }
}
