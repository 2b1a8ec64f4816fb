//! The thresholds of the release licence, as this server has them.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::caller::AnOperator;
use crate::api::page::List;
use crate::api::problem::Problem;
use crate::base::money::Money;
use crate::catalog::thresholds::{Form, Threshold};
use crate::operator::Operators;

/// What the regulator tells apart.
#[derive(ToSchema)]
#[schema(as = LicenceForm, rename_all = "snake_case")]
pub enum LicenceFormBody {
    Film,
    Series,
    MicroDrama,
    Animation,
}

/// A line of the table.
#[derive(Serialize, ToSchema)]
#[schema(as = LicenceThreshold)]
pub struct ThresholdBody {
    #[schema(value_type = LicenceFormBody)]
    form: Form,
    /// ISO 3166-2:CN; `*`: all.
    province: String,
    /// From midnight in China.
    #[schema(format = Date)]
    from: String,
    /// From which cost on a production is a key one.
    key_from: Money,
    /// From which cost on it is ordinary; null where below key all is.
    ordinary_from: Option<Money>,
}

/// From which cost on the regulator of China takes a production for a key one: the table that comes with the program, or the
/// one that the configuration names.
#[utoipa::path(get, path = "/operator/licence-thresholds", tag = "operator",
    operation_id = "operator_list_licence_thresholds", security(("bearer" = [])), responses(
    (status = 200, description = "All lines, in the order of the table", body = List<ThresholdBody>),
))]
pub async fn list(
    State(operators): State<Arc<Operators>>,
    _: AnOperator,
) -> Result<Json<List<ThresholdBody>>, Problem> {
    let rows = operators.api.follower.thresholds().rows();
    Ok(Json(List { data: rows.iter().map(ThresholdBody::new).collect(), next_cursor: None }))
}

/// What a title cost to make, and in which province of China that was filed.
#[derive(ToSchema)]
#[schema(as = Production)]
#[expect(dead_code, reason = "the schema of catalog::Production")]
pub struct ProductionBody {
    /// In CNY.
    cost: Money,
    /// ISO 3166-2:CN.
    #[schema(pattern = "^[A-Z]{2}$")]
    province: String,
}

/// `*` where a line is for all.
pub fn province_code(row: &Threshold) -> String {
    row.province.map_or_else(|| "*".to_owned(), |province| province.to_string())
}

impl ThresholdBody {
    fn new(row: &Threshold) -> ThresholdBody {
        ThresholdBody {
            form: row.form,
            province: province_code(row),
            from: row.from.to_string(),
            key_from: row.key_from,
            ordinary_from: row.ordinary_from,
        }
    }
}
