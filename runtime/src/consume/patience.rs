//! What passes by itself is waited out: a store that does not answer for a while, for as long as it makes sense.

use std::future::Future;
use std::time::Duration;

use tokio::time::Instant;

use super::error::StoreError;
use super::retry::Backoff;
use super::shutdown::Shutdown;

/// The waits between tries.
pub(super) const BACKOFF: Backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(10));
/// How long a store may be away. Longer than it takes to start a database again, or to make another one the primary.
const AWAY: Duration = Duration::from_secs(60);
/// The same for a consumer that is to stop: whoever stopped it does not wait long before it is killed.
const AWAY_AT_THE_END: Duration = Duration::from_secs(2);

/// Asks a store, and again while it fails: for a minute, or until shortly after it is time to stop.
pub(super) async fn persist<T, F>(shutdown: &Shutdown, mut ask: impl FnMut() -> F) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>>,
{
    let mut since = None;
    let mut attempt = 0;
    loop {
        let error = match ask().await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        attempt += 1;
        let away = since.get_or_insert_with(Instant::now).elapsed();
        let stops = shutdown.requested();
        if away >= if stops { AWAY_AT_THE_END } else { AWAY } {
            return Err(error);
        }
        let delay = BACKOFF.random_delay(attempt);
        tracing::warn!(error = super::attempt::chain(&error), attempt, ?delay, "a store failed and is tried again");
        if stops {
            tokio::time::sleep(delay).await;
        } else {
            // When it is time to stop, at once.
            let _ = shutdown.sleep(delay).await;
        }
    }
}
