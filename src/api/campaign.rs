//! The campaign that a request says it comes from.

use http::StatusCode;

use crate::api::problem::Problem;
use crate::base::limits;
use crate::catalog::merchandise;

/// The word, where there is one.
pub fn checked(campaign: Option<String>) -> Result<Option<String>, Problem> {
    if campaign.as_deref().is_some_and(|word| merchandise::campaign(word).is_none()) {
        let max = limits::CAMPAIGN_BYTES_MAX;
        let detail =
            format!("A campaign is a word of 1 to {max} letters, digits, - _ . Leave it out where there is none.");
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "CAMPAIGN_INVALID", detail).with_param("campaign"));
    }
    Ok(campaign)
}
