//! Every log keeps the one contract.

#![allow(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

#[cfg(feature = "postgres")]
mod postgres_support;

#[cfg(feature = "postgres")]
use event_api::log::PostgresLog;
#[cfg(feature = "sqlite")]
use event_api::log::SqliteLog;
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
                retention_harms_neither_readers_nor_writers,
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

/// The check of appends in callers' transactions.
#[cfg(any(feature = "sqlite", feature = "postgres"))]
macro_rules! transactions {
    ($module:ident, $open:expr, $database:ty, $begin:literal) => {
        mod $module {
            use super::*;

            struct Transactions(sqlx::Pool<$database>);

            impl conformance::Transactions for Transactions {
                type Transaction = sqlx::Transaction<'static, $database>;

                async fn begin(&self) -> Self::Transaction {
                    self.0.begin_with($begin).await.unwrap()
                }

                async fn commit(&self, transaction: Self::Transaction) {
                    transaction.commit().await.unwrap();
                }

                async fn rollback(&self, transaction: Self::Transaction) {
                    transaction.rollback().await.unwrap();
                }
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn events_are_there_if_and_only_if_their_transaction_commits() {
                let Some((log, _kept)) = $open.await else { return };
                let transactions = Transactions(log.pool().clone());
                conformance::events_are_there_if_and_only_if_their_transaction_commits(log, transactions).await;
            }
        }
    };
}

#[cfg(feature = "sqlite")]
async fn sqlite() -> Option<(SqliteLog, tempfile::TempDir)> {
    let folder = tempfile::tempdir().unwrap();
    Some((SqliteLog::open(folder.path().join("events.db")).await.unwrap(), folder))
}

#[cfg(feature = "sqlite")]
conformance!(sqlite, sqlite());
#[cfg(feature = "sqlite")]
transactions!(sqlite_transactions, sqlite(), sqlx::Sqlite, "BEGIN IMMEDIATE");

#[cfg(feature = "postgres")]
async fn postgres() -> Option<(PostgresLog, postgres_support::Schema)> {
    let schema = postgres_support::Schema::create().await?;
    Some((schema.log().await, schema))
}

#[cfg(feature = "postgres")]
conformance!(postgres, postgres());
#[cfg(feature = "postgres")]
transactions!(postgres_transactions, postgres(), sqlx::Postgres, "BEGIN");
