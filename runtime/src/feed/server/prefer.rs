//! `Prefer: wait=N` (RFC 7240): how many seconds the client is willing to wait for events.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::Response;

const PREFER: HeaderName = HeaderName::from_static("prefer");
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// The wait that the client prefers. A preference that cannot be read is ignored (RFC 7240, section 2).
pub(super) fn wait(headers: &HeaderMap) -> Option<Duration> {
    let values = headers.get_all(PREFER).into_iter().filter_map(|value| value.to_str().ok());
    let preferences = values.flat_map(|value| value.split(','));
    // The first one counts when one is given twice.
    let (_, seconds) = preferences
        .filter_map(|preference| preference.split(';').next()?.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("wait"))?;
    seconds.trim().trim_matches('"').parse().ok().map(Duration::from_secs)
}

/// Tells the client how long it was willing to wait at most, by the server's own bound.
pub(super) fn applied(response: &mut Response, wait: Duration) {
    if let Ok(value) = HeaderValue::try_from(format!("wait={}", wait.as_secs())) {
        response.headers_mut().insert(PREFERENCE_APPLIED, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_is_found_among_other_preferences() {
        let read = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(PREFER, HeaderValue::from_static(value));
            }
            wait(&headers)
        };
        let ten = Some(Duration::from_secs(10));
        assert_eq!(read(&["wait=10"]), ten);
        assert_eq!(read(&["respond-async, Wait = 10; x=y"]), ten);
        assert_eq!(read(&["respond-async", "wait=\"10\", wait=20"]), ten);
        for values in [&[][..], &["wait"], &["wait=soon"], &["wait=-1"], &["waits=1"]] {
            assert_eq!(read(values), None, "{values:?}");
        }
    }
}
