//! Every log keeps the one contract.

#[cfg(feature = "postgres")]
mod postgres_support;

use event_api::log::{MemoryLog, conformance};

/// One test for each check of the suite, over logs that `$open` makes; skipped where it makes none.
macro_rules! conformance {
    ($module:ident, $open:expr) => {
        mod $module {
            use super::*;

            conformance!(@checks $open,
                a_new_channel_is_empty,
                positions_are_dense_and_ordered,
                pages_of_any_size_give_every_event_once,
                every_field_comes_back,
                an_event_is_found_by_its_id,
                appending_again_gives_the_first_receipt,
                an_id_cannot_be_reused_and_the_append_is_all_or_nothing,
                what_cannot_be_carried_is_refused,
                an_empty_append_changes_nothing,
                concurrent_appends_are_dense_and_readable,
                concurrent_appends_of_one_event_are_one_event,
                a_caller_that_stops_waiting_harms_nobody,
                waiting_ends_when_the_event_comes,
                below_retention_is_an_error,
                retention_keeps_the_newest,
                retention_by_age_counts_from_the_append,
                a_page_is_bounded_in_bytes,
            );
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

conformance!(memory, async { Some((MemoryLog::new(), ())) });

#[cfg(feature = "sqlite")]
use event_api::log::SqliteLog;

#[cfg(feature = "sqlite")]
conformance!(sqlite, async {
    let folder = tempfile::tempdir().unwrap();
    Some((SqliteLog::open(folder.path().join("events.db")).await.unwrap(), folder))
});

#[cfg(feature = "postgres")]
conformance!(postgres, async {
    let schema = postgres_support::Schema::create().await?;
    Some((schema.log().await, schema))
});
