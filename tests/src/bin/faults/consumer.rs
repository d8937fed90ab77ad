//! The consuming process: two consumers of one feed, of which one writes its effects in the transaction that moves its
//! checkpoint, and the other one only says that it was called.

use std::sync::Arc;
use std::time::Duration;

use event_api::consume::{Backoff, Checkpoints, PostgresCheckpoints, SqliteCheckpoints};
use event_api::{Context, Handler, HandlerError, HandlerResult, feed};

use super::accounts::AccountsEvents;
use super::line::Line;
use super::setup::{Database, Failure, Sabotage, Setup, until_asked_to_end};

/// The way of effects that come from the feed.
pub(crate) const FEED: &str = "feed";

/// The server is back soon.
const SOON: Backoff = Backoff::new(Duration::from_millis(20), Duration::from_millis(200));

/// Consumes until it is asked to end.
pub(crate) async fn run(setup: &Setup) -> Result<(), Failure> {
    let database = setup.database("consumer").await?;
    let checkpoints: Arc<dyn Checkpoints> = match &database {
        Database::Sqlite(pool) => Arc::new(SqliteCheckpoints::with_pool(pool.clone()).await?),
        Database::Postgres(pool) => Arc::new(PostgresCheckpoints::with_pool(pool.clone()).await?),
    };
    let consumer = |name: &str| {
        feed::Consumer::new(setup.feed_url(AccountsEvents::CHANNEL.name), Arc::clone(&checkpoints))
            .name(name)
            .backoff(SOON)
            .shutdown(until_asked_to_end())
    };
    let effects = consumer("effects").run(Effects { database, sabotage: setup.sabotage });
    let told = consumer("told").run(Tell { sabotage: setup.sabotage });
    tokio::try_join!(effects, told)?;
    Ok(())
}

struct Effects {
    database: Database,
    sabotage: Sabotage,
}

impl Handler for Effects {
    type Events = AccountsEvents;

    async fn handle(&self, _: AccountsEvents, cx: &Context) -> HandlerResult {
        if self.sabotage == Sabotage::EffectsBesideTheTransaction {
            return Ok(self.database.affect_beside(FEED, cx.id.as_str()).await?);
        }
        self.database.affect(FEED, cx).await
    }
}

struct Tell {
    sabotage: Sabotage,
}

impl Handler for Tell {
    type Events = AccountsEvents;

    async fn handle(&self, _: AccountsEvents, cx: &Context) -> HandlerResult {
        let position = cx.position.ok_or_else(|| HandlerError::reject("the feed tells no position"))?.0;
        let line = Line::Handled { id: cx.id.to_string(), position };
        if self.sabotage == Sabotage::CheckpointFirst {
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(150)).await;
                line.say()
            });
            return Ok(());
        }
        Ok(line.say()?)
    }
}
