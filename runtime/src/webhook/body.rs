//! Request bodies: read whole, up to a limit, before anything looks into them.

use std::time::Duration;

use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::CONTENT_LENGTH;
use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

use crate::problem::Problem;

/// A sender that trickles holds a connection no longer than this.
const PATIENCE: Duration = Duration::from_secs(30);

/// The body, if it is not larger than `limit` and arrives in time.
pub(super) async fn read(request: Request, limit: usize) -> Result<Bytes, Problem> {
    let too_large = || {
        Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "Body too large",
            format!("the body is larger than the {limit} bytes that are accepted here"),
        )
    };
    let declared = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if declared.is_some_and(|length| length > u64::try_from(limit).unwrap_or(u64::MAX)) {
        return Err(too_large());
    }
    match tokio::time::timeout(PATIENCE, Limited::new(request.into_body(), limit).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(error)) => Err(Problem::bad_request(format!("the body could not be read: {error}"))),
        Err(_) => Err(Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            "Body too slow",
            format!("the body did not arrive within {} s", PATIENCE.as_secs()),
        )),
    }
}
