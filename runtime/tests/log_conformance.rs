//! Every log keeps the one contract.

#[cfg(feature = "postgres")]
mod postgres_support;

use event_api::log::{MemoryLog, conformance};

/// One test for each check of the suite, over logs that `$open` makes; skipped where it makes none.
macro_rules! conformance {
    ($module:ident, $open:expr, $trim:expr) => {
        mod $module {
            use super::*;

            conformance!(@checks $open,
                a_new_channel_is_empty,
                positions_are_dense_and_ordered,
                pages_of_any_size_give_every_event_once,
                every_field_comes_back,
                appending_again_gives_the_first_receipt,
                an_id_cannot_be_reused_and_the_append_is_all_or_nothing,
                what_cannot_be_carried_is_refused,
                an_empty_append_changes_nothing,
                concurrent_appends_are_dense_and_readable,
                concurrent_appends_of_one_event_are_one_event,
                a_caller_that_stops_waiting_harms_nobody,
                waiting_ends_when_the_event_comes,
            );

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn below_retention_is_an_error() {
                let Some((log, _kept)) = $open.await else { return };
                conformance::below_retention_is_an_error(log, $trim).await;
            }
        }
    };
    (@checks $open:expr, $($check:ident,)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $check() {
                let Some((log, _kept)) = $open.await else { return };
                conformance::$check(log).await;
            }
        )*
    };
}

conformance!(memory, async { Some((MemoryLog::new(), ())) }, async |log: &MemoryLog, channel: &str, before| {
    log.trim(channel, before);
});

#[cfg(feature = "sqlite")]
use event_api::log::SqliteLog;

#[cfg(feature = "sqlite")]
conformance!(
    sqlite,
    async {
        let folder = tempfile::tempdir().unwrap();
        Some((SqliteLog::open(folder.path().join("events.db")).await.unwrap(), folder))
    },
    async |log: &SqliteLog, channel: &str, before| {
        log.trim(channel, before).await.unwrap();
    }
);

#[cfg(feature = "postgres")]
use event_api::log::PostgresLog;

#[cfg(feature = "postgres")]
conformance!(
    postgres,
    async {
        let schema = postgres_support::Schema::create().await?;
        Some((schema.log().await, schema))
    },
    async |log: &PostgresLog, channel: &str, before| {
        log.trim(channel, before).await.unwrap();
    }
);
